"""`manage.py feed` records our own door: trades, or that they are missing, and every book."""

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
from venues.bybit.sequences import trade_id
from venues.faults.profiles import PROFILES
from venues.feeds.events import key_of
from venues.feeds.kinds import Of

pytestmark = pytest.mark.processes
SYMBOL, RECORDED, DEPTH = "BTCUSDT", "BTCUSDT.BYBIT", 50
LIMIT_S = 300.0
BREAKING = ("stale_book", "disconnects", "maintenance", "silent", "garbage")
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

    def traded(self):
        """Return the exchange's trades by the keys under which a feed records them."""
        columns = "instrument_id, t.seq, t.at / 1000, ticks, lots, side"
        rows = self.of("exchange_trade", columns, SYMBOL)
        return {key_of(trade_id(pk, seq)): tuple(row) for pk, seq, *row in rows}

    def recorded(self):
        """Return what was recorded, by keys: each once."""
        rows = self.of("exchange_trade", "taker, t.at / 1000, ticks, lots, side", RECORDED)
        found = {key: tuple(row) for key, *row in rows}
        assert len(found) == len(rows)
        return found

    def gaps(self):
        """Return the spans in which trades may be missing, in milliseconds."""
        columns = "stream, began_at / 1000, t.at / 1000"
        rows = self.of("feeds_feedgap", columns, RECORDED)
        return [span for stream, *span in rows if stream == Of.TRADES]

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


def test_a_feed_records_or_names_every_trade_and_has_every_book_through_faults(env, request):
    is_long = request.config.getoption("--long")
    stored = Stored(env)
    for profile in PROFILES if is_long else ["stale_book"]:
        with door(env, "--faults", profile, "--seed", "7", accounts=()) as venue:
            wait_for_trades(venue)
            record(venue.http, env, stored, profile)
        check_trades(stored, profile, is_whole=not is_long)
    true = set(stored.books(SYMBOL))
    assert all(book in true for book in stored.books(RECORDED) if any(book[1][0]))


def check_trades(stored, profile, *, is_whole):
    """Every trade from the first to the last recorded one is recorded right, or in a gap.

    `is_whole`: each is recorded at its own time.
    """
    recorded, traded, gaps = stored.recorded(), stored.traded(), stored.gaps()
    assert not (is_whole and gaps), gaps
    keys = list(traded)
    places = [place for place, key in enumerate(keys) if key in recorded]
    assert len(places) == len(recorded)
    for key in keys[places[0] : places[-1] + 1]:
        at, *trade = traded[key]
        if key in recorded:
            recorded_at, *found = recorded[key]
            assert found == trade
            assert recorded_at == at if is_whole else recorded_at >= at
        else:
            named = any(began <= at <= ended for began, ended in gaps)
            assert named, f"{profile}: the trade at {at} is neither recorded nor in {gaps}"


def record(url, env, stored, profile):
    """Record until enough is recorded, with a gap if the faults make some; stop by a signal."""
    makes_gaps = profile in BREAKING
    seen = len(stored.recorded())
    gaps = len(stored.of("feeds_feedgap", "cause", RECORDED))
    options = ("--url", url, "--depth", str(DEPTH), "--json")
    with running("feed", "bybit", SYMBOL, *options, env=env) as process:

        def is_enough():
            assert process.poll() is None, process.communicate()
            found = len(stored.of("feeds_feedgap", "cause", RECORDED)) - gaps
            return len(stored.recorded()) > seen + 100 and found >= makes_gaps

        wait_until(is_enough, f"a recording through {profile}", LIMIT_S)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, errors
    counts = json.loads(output.splitlines()[-1])[SYMBOL]
    assert counts["trades"] > 0
    assert counts["candles"] >= 0
