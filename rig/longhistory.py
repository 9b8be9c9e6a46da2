"""A long history of minutes, and a web process that serves it."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from django.db import connection

from instruments.models import Instrument
from journal.models import Stream
from market.keys import row_key
from market.times import to_microseconds
from quotes.kinds import QUOTES
from quotes.models import Candle, Quote

MINUTE_US = 60_000_000
START = datetime(2025, 1, 1, tzinfo=UTC)
READY_S = 60.0
DAPHNE = ["-m", "daphne", "-v", "0", "-p", "PORT", "pytrade.asgi:application"]


def store_minutes(symbol: str, minutes: int, seed: int = 7) -> Instrument:
    """Store so many closed 1m candles of a random walk, with a quiet hour each day, and a tick."""
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
        id=row_key(market.pk, seq), instrument=market, seq=seq, at=at, ticks=int(closes[-1])
    )
    Stream.objects.create(instrument=market, kind=QUOTES.name, last_seq=seq)
    return market


@contextlib.contextmanager
def serving(env: dict[str, str], server: Sequence[str] = DAPHNE) -> Iterator[str]:
    """Run a web process in that environment; its address. `server`: what Python runs on PORT."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, *(word.replace("PORT", str(port)) for word in server)]
    process = subprocess.Popen(command, env=env)
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + READY_S
        while True:
            try:
                urlopen(f"{address}/livez", timeout=60).close()
                break
            except (URLError, ConnectionError):
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(20)
