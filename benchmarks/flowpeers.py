"""The measures of order flow beside orderflow-metrics (pure Python): values and times."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import orderflow_metrics as peer

from benchmarks.harness import report
from benchmarks.timing import best_ms, versions
from exchange.depth.depthbook import DepthBook
from exchange.flow.advances import Advance
from exchange.flow.tests.markets import law_of, open_market
from orderflow.measures.bests import bests_of
from orderflow.measures.imbalance import contributions
from orderflow.measures.impact import amihud_illiquidity, kyle_lambda
from orderflow.measures.inputs import Sides
from orderflow.measures.samples import slots_of, trades_of
from orderflow.measures.spreads import effective_half_spread, roll_spread
from orderflow.measures.vpin import vpin

PRICE = 10**6
SLOTS = 17_000
"""About 100,000 trades."""
PHI, KAPPA = -0.4, 0.15
BUCKETS = 500


Pairs = dict[str, tuple[Callable[[], float], Callable[[], float | None]]]
"""By what is measured: the peer's function and ours."""


def main() -> None:
    made = open_market(law_of(1, PHI, PRICE), informed=KAPPA).run_slots(SLOTS)
    figures: dict[str, object] = {
        "trades": len(made.trades),
        "versions": versions("orderflow-metrics"),
    }
    for name, (theirs, ours) in {**of_slots(made), **of_trades(made), **of_books(made)}.items():
        times = best_ms({"peer": theirs, "PyTrade": ours})
        figures[name] = {
            "peer": round(theirs(), 6),
            "PyTrade": round(ours() or 0.0, 6),
            "peer, ms": times["peer"],
            "PyTrade, ms": times["PyTrade"],
        }
    report("flowpeers", figures)


def of_slots(made: Advance) -> Pairs:
    """Ours compute the interval too."""
    slots = slots_of(trades_of(made.trades))
    changes, lots, volume = slots.after - slots.before, slots.net_lots, slots.volume
    chosen = slots.side != 0
    side, ticks, before = (column[chosen] for column in (slots.side, slots.ticks, slots.before))
    orders = list(zip(ticks.tolist(), before.tolist(), named(side), strict=True))
    flow = list(map(peer.FlowObservation, changes.tolist(), lots.tolist()))
    ratios = list(map(peer.ReturnVolume, changes.tolist(), volume.tolist()))
    return {
        "Kyle's lambda": (
            lambda: peer.kyle_lambda(flow),
            lambda: kyle_lambda(lots, changes).value,
        ),
        "Amihud": (
            lambda: peer.amihud_illiquidity(ratios),
            lambda: amihud_illiquidity(changes, volume).value,
        ),
        "Roll": (lambda: peer.roll_spread(ticks.tolist()), lambda: roll_spread(ticks).value),
        "effective half-spread": (
            lambda: float(np.mean([peer.effective_half_spread(*order) for order in orders])),
            lambda: effective_half_spread(side, ticks, before).value,
        ),
    }


def of_trades(made: Advance) -> Pairs:
    rows = made.trades
    side, lots = rows["side"], rows["lots"]
    fills = list(map(peer.Trade, rows["ticks"].tolist(), lots.tolist(), named(side)))
    bucket = float(lots.sum()) / BUCKETS
    return {
        f"VPIN, {BUCKETS} buckets; the peer guesses sides from prices": (
            lambda: peer.vpin(peer.bucket_by_volume(fills, bucket)),
            lambda: vpin(side, lots, BUCKETS).value,
        )
    }


def of_books(made: Advance) -> Pairs:
    bests = bests_of(DepthBook().follow(made.updates))
    quotes = [peer.L1Quote(*row) for row in bests.tolist()]
    return {
        f"sum of imbalances, {len(bests):,} changes of the best prices": (
            lambda: peer.ofi(quotes),
            lambda: float(contributions(bests).sum()),
        )
    }


def named(sides: Sides) -> list[Literal["buy", "sell"]]:
    return ["buy" if side > 0 else "sell" for side in sides.tolist()]


if __name__ == "__main__":
    main()
