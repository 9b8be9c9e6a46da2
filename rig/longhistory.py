"""A long history of minute candles, and a web process that serves it."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
from django.db import connection

from instruments.models import Instrument
from journal.models import Stream
from market.keys import row_key
from market.times import to_microseconds
from quotes.kinds import QUOTES
from quotes.models import Candle, Quote
from rig.processes import free_port, wait_for_http, web_process

MINUTE_US = 60_000_000
START = datetime(2025, 1, 1, tzinfo=UTC)
WEB = web_process("PORT")


def store_minutes(symbol: str, minutes: int, seed: int = 7) -> Instrument:
    """Store closed 1m candles of a random walk with a daily one-hour break, and a final tick."""
    market = Instrument.objects.create(symbol=symbol, name="A long history", tick_size="0.25")
    rng = np.random.default_rng(seed)
    closes = 20_000 + np.cumsum(rng.integers(-8, 9, minutes))
    opens = np.concatenate([[20_000], closes[:-1]])
    highs = np.maximum(opens, closes) + rng.integers(0, 6, minutes)
    lows = np.minimum(opens, closes) - rng.integers(0, 6, minutes)
    days, within = np.divmod(np.arange(minutes), 23 * 60)
    opened = to_microseconds(START) + (days * 24 * 60 + within) * MINUTE_US
    table = Candle._meta.db_table
    columns = "opened_at, open, high, low, close, count, first_seq, last_seq"
    rows = np.column_stack(
        [opened, opens, highs, lows, closes, np.full(minutes, 1), np.arange(minutes) + 1]
    ).tolist()
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} (instrument_id, timeframe, {columns}) "
            f"VALUES ({market.pk}, 60, %s, %s, %s, %s, %s, %s, %s, %s)",
            [(*row, row[-1]) for row in rows],
        )
        cursor.execute("ANALYZE")
    last = int(opened[-1]) + MINUTE_US
    at = datetime.fromtimestamp(last / 1_000_000, UTC)
    seq = minutes + 1
    Quote.objects.create(
        id=row_key(market.pk, seq),
        instrument=market,
        seq=seq,
        at=at,
        ticks=int(closes[-1]),
    )
    Stream.objects.create(instrument=market, kind=QUOTES.name, last_seq=seq)
    return market


@contextlib.contextmanager
def serving(env: dict[str, str], server: Sequence[str] = WEB) -> Iterator[str]:
    """Run a web process on a free port and yield its URL.

    `server`: arguments for Python, with PORT as placeholder for the port.
    """
    port = free_port()
    command = [sys.executable, *(word.replace("PORT", str(port)) for word in server)]
    process = subprocess.Popen(command, env=env)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for_http(f"{address}/livez", process)
        yield address
    finally:
        process.terminate()
        process.wait(20)
