"""Messages per second of the matching engine and of bourse, on the same tape in the same run.

bourse is a matching engine in Rust, called from Python once per message, as its interface requires.
"""

import time
from typing import Any

import numpy as np
from bourse.core import OrderBook

from benchmarks.harness import report
from benchmarks.tapes import TapeWriter
from benchmarks.timing import best_ms, versions
from exchange.matching import BUY, SELL, Kind, MatchingEngine, Outcome
from market.kinds import Rows

MESSAGES = 1_000_000
SINGLE = 20_000
"""Messages of the tape that are also sent one by one."""


def main() -> None:
    tape = TapeWriter(seed=1).write(MESSAGES)
    single = tape[:SINGLE]
    calls = calls_of(tape)
    engine, reports = run_whole(tape)
    book = run_bourse(calls)
    fills = reports[reports["outcome"] == Outcome.FILLED]
    volume = sum(trade[3] for trade in book.get_trades())
    assert volume == fills["lots"].sum(), "the engines traded different volumes"
    times = best_ms(
        {
            "PyTrade": lambda: run_whole(tape),
            "bourse": lambda: run_bourse(calls),
            "batches of 64": lambda: run_batches(tape, 64),
            "one by one": lambda: run_batches(single, 1),
        },
        rounds=5,
        clock=time.thread_time,
    )
    ours, theirs = (MESSAGES / times[name] * 1e3 for name in ("PyTrade", "bourse"))
    kinds = np.bincount(tape["kind"], minlength=len(Kind)) / MESSAGES
    report(
        "matching",
        {
            "versions": versions("bourse", "numba"),
            "messages": MESSAGES,
            "new, cancel, market": "{:.1%}, {:.1%}, {:.1%}".format(*kinds[[0, 1, 4]]),
            "resting orders, occupied prices at the end": f"{resting(engine)}, {prices(engine)}",
            "traded lots, the same in both": int(volume),
            "PyTrade, messages/s (target >= 2,500,000)": round(ours),
            "bourse, messages/s": round(theirs),
            "times faster (target >= 5)": round(ours / theirs, 1),
            "PyTrade in batches of 64, messages/s": round(MESSAGES / times["batches of 64"] * 1e3),
            "PyTrade one by one, messages/s": round(SINGLE / times["one by one"] * 1e3),
            "clock": "CPU time of the thread, best of 5 rounds in turns",
        },
    )


def run_whole(tape: Rows) -> tuple[MatchingEngine, Rows]:
    engine = MatchingEngine()
    return engine, engine.process(tape)


def run_batches(tape: Rows, size: int) -> None:
    engine = MatchingEngine()
    for start in range(0, tape.size, size):
        engine.process(tape[start : start + size])


def calls_of(tape: Rows) -> list[tuple[int, ...]]:
    """Return what to call of bourse: one number cancels, three are a market order, four a limit."""
    calls: list[tuple[int, ...]] = []
    for kind, side, _, order_id, owner, ticks, lots in tape.tolist():
        if kind == Kind.CANCEL:
            calls.append((order_id,))
        elif kind == Kind.MARKET:
            calls.append((side == BUY, lots, owner))
        else:
            calls.append((side == BUY, lots, owner, ticks))
    return calls


def run_bourse(calls: list[tuple[int, ...]]) -> Any:
    book = OrderBook(0, 1)
    place, cancel, set_time = book.place_order, book.cancel_order, book.set_time
    for now, call in enumerate(calls):
        set_time(now)
        if len(call) == 1:
            cancel(*call)
        else:
            place(*call)
    return book


def resting(engine: MatchingEngine) -> int:
    return sum(int(engine.levels(side, 10**6)["orders"].sum()) for side in (BUY, SELL))


def prices(engine: MatchingEngine) -> int:
    return sum(engine.levels(side, 10**6).size for side in (BUY, SELL))


if __name__ == "__main__":
    main()
