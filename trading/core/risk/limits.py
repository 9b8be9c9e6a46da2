"""The limits of a bot, or of all bots together. None: no limit."""

from dataclasses import dataclass, fields

from exchange.clearing.money import PPM


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Money is in MONEY_UNITS, shares in ppm of the equity (the drawdown: of its peak)."""

    max_positions: int | None = None
    max_exposure: int | None = None
    min_order: int | None = None
    max_drawdown_ppm: int | None = None
    max_correlated_ppm: int | None = None
    """Exposure in one direction to instruments that move together."""
    correlated_from: float = 0.7
    """Instruments whose returns correlate this much, or more, count as moving together."""
    max_heat_ppm: int | None = None
    """Sum of what all positions lose at their stops."""
    kelly_cap_ppm: int | None = None
    """Largest share of the equity in one order, whatever the Kelly fraction says."""
    kelly_trades: int = 30
    """Closed trades below which the Kelly fraction is not estimated, and the cap alone counts."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None and value < 0:
                raise ValueError(f"{each.name} {value} is negative: use 0 or more, or no limit")
        if self.correlated_from > 1:
            raise ValueError(f"correlated_from {self.correlated_from} is above 1: use 0 to 1")
        for name in ("max_drawdown_ppm", "kelly_cap_ppm"):
            share = getattr(self, name)
            if share is not None and share > PPM:
                raise ValueError(f"{name} {share} is above {PPM}, which is the whole")
