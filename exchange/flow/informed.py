"""The share of informed market orders, constant during a regime."""

from exchange.flow.philox import Key, draw

SHARES = ((0.5, 0.0), (0.75, 0.15), (1.0, 0.3))
"""Upper ends of the uniform, and the share that is drawn below each."""
REGIME_LANE = 0


def share_of_regime(key: Key, number: int) -> float:
    """Draw the share of regime `number` of a run: 0 in half of them, else .15 or .3."""
    uniform = draw(key, 0, number, REGIME_LANE, 0)[0]
    return next(share for end, share in SHARES if uniform < end)


def check_share(share: float | None) -> None:
    """Raise ValueError unless `share` is None (drawn per regime) or a share in [0, 1)."""
    if share is not None and not 0 <= share < 1:
        raise ValueError(f"informed share {share}: use a number from 0 to below 1")
