"""`manage.py feed` records our own door: every trade, and the book at each of its moments."""

import contextlib
import json
import signal
import sqlite3

import numpy as np
import pytest

from exchange.depth.blocks import decode_all
from exchange.depth.depthbook import DepthBook
from exchange.engine.messages import BUY, SELL
from rig.processes import running
from rig.venues import door, wait_for_trades
from rig.waiting import wait_until

pytestmark = pytest.mark.processes
SYMBOL, RECORDED, DEPTH = "BTCUSDT", "BTCUSDT.BYBIT", 50
LIMIT_S = 300.0
BREAKING = ("stale_book", "disconnects")
"""Profiles that interrupt a book."""


class Stored:
    """What the database holds."""

    def __init__(self, env):
        self._path = env["DATABASE_URL"].removeprefix("sqlite:///")

    def read(self, query, *parameters):
        with contextlib.closing(sqlite3.connect(self._path, timeout=60)) as database:
            return database.execute(query, parameters).fetchall()

    def of(self, table, columns, symbol):
        return self.read(
            f"SELECT {columns} FROM {table} t JOIN instruments_instrument i "
            "ON i.id = t.instrument_id WHERE i.symbol = ? ORDER BY t.seq", symbol,
        )  # fmt: skip

    def trades(self, symbol):
        return self.of("exchange_trade", "at / 1000, ticks, lots, side", symbol)

    def books(self, symbol):
        """Yield the time in milliseconds and the best levels after each block."""
        rows = self.of("exchange_bookblock", "at, data", symbol)
        ends = np.array([at for at, _ in rows], np.int64)
        levels, updates = decode_all([data for _, data in rows], ends)
        book, first = DepthBook(), 0
        if levels is not None:
            book.apply(levels)
        for end, last in zip(ends, np.searchsorted(updates["at"], ends, "right"), strict=True):
            book.apply(updates[first:last])
            first = max(first, last)
            yield (
                int(end) // 1000,
                tuple(
                    tuple(part.tobytes() for part in book.levels(side, DEPTH))
                    for side in (BUY, SELL)
                ),
            )


def test_a_feed_records_every_trade_and_every_book_through_faults(env, request):
    profiles = ["stale_book"]
    if request.config.getoption("--long"):
        profiles += ["disconnects", "repeats", "server_errors"]
    stored = Stored(env)
    for profile in profiles:
        with door(env, "--faults", profile, "--seed", "7", accounts=()) as venue:
            wait_for_trades(venue)
            record(venue.http, env, stored, profile)
    trades, recorded = stored.trades(SYMBOL), stored.trades(RECORDED)
    first = trades.index(recorded[0])
    assert sorted(recorded) == sorted(trades[first : first + len(recorded)])
    true = set(stored.books(SYMBOL))
    assert all(book in true for book in stored.books(RECORDED) if any(book[1][0]))


def record(url, env, stored, profile):
    """Record until enough is recorded, with a gap if the faults make some; stop by a signal."""
    makes_gaps = profile in BREAKING
    seen = len(stored.trades(RECORDED))
    gaps = len(stored.of("feeds_feedgap", "cause", RECORDED))
    options = ("--url", url, "--depth", str(DEPTH), "--json")
    with running("feed", "bybit", SYMBOL, *options, env=env) as process:

        def is_enough():
            assert process.poll() is None, process.communicate()
            found = len(stored.of("feeds_feedgap", "cause", RECORDED)) - gaps
            return len(stored.trades(RECORDED)) > seen + 100 and found >= makes_gaps

        wait_until(is_enough, f"a recording through {profile}", LIMIT_S)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, errors
    counts = json.loads(output.splitlines()[-1])[SYMBOL]
    assert counts["trades"] > 0
    assert counts["candles"] >= 0
