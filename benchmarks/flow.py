"""The background flow of a simulated market: slots and events per second on one core."""

import time

import numpy as np

from benchmarks.harness import report
from benchmarks.timing import best_ms, versions
from exchange.flow.advances import Advance
from exchange.flow.market import BookMarket
from exchange.matching import BUY, MESSAGE, Kind
from market.timeframes import MICROSECONDS
from quotes.law.randomwalk import RegimeLaw, WalkState
from quotes.law.walker import MarketLaw, Start
from rig.books import START

HOUR = 3_600
SLOTS = 12 * HOUR
PASS_US = 20_000
PASSES = 3_000
ROUNDS = 5


def open_market() -> BookMarket:
    """Return a market with slots of a second, just opened."""
    walk = WalkState(20_000, 1)
    law = MarketLaw(1, "ES", 1, MICROSECONDS, 1, START, walk, RegimeLaw())
    return BookMarket.open(Start(law, 1, walk))


def hours(market: BookMarket) -> list[Advance]:
    return [market.run_slots(HOUR) for _ in range(SLOTS // HOUR)]


def events_of(made: list[Advance]) -> int:
    """Return the number of events: the last update of a slot tells how many it had."""
    total = 0
    for advance in made:
        ends = np.flatnonzero(np.diff(advance.updates["slot"], append=-1))
        total += int(advance.updates["event"][ends].sum())
    return total


def passes(market: BookMarket) -> None:
    """Advance as the driver does."""
    for _ in range(PASSES):
        market.advance(market.at + PASS_US)


def orders(market: BookMarket) -> None:
    message = np.zeros(1, MESSAGE)
    message["kind"], message["side"], message["lots"] = Kind.NEW, BUY, 1
    for i in range(PASSES):
        message["order_id"], message["ticks"] = -1 - i, market.mark - 50 - i % 50
        market.execute(message)


def main() -> None:
    made = hours(open_market())
    events, fills = events_of(made), sum(len(advance.trades) for advance in made)
    changes = sum(len(advance.updates) for advance in made)
    market = open_market()
    market.run_slots(HOUR)
    snapshot = market.snapshot()
    best = best_ms(
        {
            "hours": lambda: hours(open_market()),
            "passes": lambda: passes(BookMarket.restore(snapshot)),
            "orders": lambda: orders(BookMarket.restore(snapshot)),
            "snapshot": market.snapshot,
            "restore": lambda: BookMarket.restore(snapshot),
        },
        rounds=ROUNDS,
        clock=time.thread_time,
    )
    seconds = best["hours"] / 1000
    report(
        "flow",
        {
            "versions": versions("numba"),
            "slots": SLOTS,
            "events a slot": round(events / SLOTS, 1),
            "changes of levels a slot": round(changes / SLOTS, 1),
            "fills a slot": round(fills / SLOTS, 1),
            "resting orders at the end": resting(market),
            "slots/s": round(SLOTS / seconds),
            "events/s (target >= 1,500,000)": round(events / seconds),
            "12 h of slots of a second, s": round(seconds, 2),
            "a live pass of 20 ms, us": round(best["passes"] / PASSES * 1000),
            "an order of an account, us": round(best["orders"] / PASSES * 1000),
            "snapshot, bytes": len(snapshot),
            "snapshot, ms": best["snapshot"],
            "restore, ms": best["restore"],
            "clock": f"CPU time of the thread, best of {ROUNDS} rounds",
        },
    )


def resting(market: BookMarket) -> int:
    return sum(int(market.levels(side, 10_000)["orders"].sum()) for side in (BUY, -BUY))


if __name__ == "__main__":
    main()
