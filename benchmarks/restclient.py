"""Clients of the REST history in one process: each asks again and again over one connection."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import NamedTuple

ROWS = 500
LENGTH_MS = (ROWS + 100) * 60_000
WARM_UP_S = 1.0


class Asked(NamedTuple):
    """Results of one client: durations in seconds by kind of request, and errors."""

    plain: list[float]
    filtered: list[float]
    errors: list[str]


class Load(NamedTuple):
    """What the clients ask of a server: the newest ROWS candles and those of past spans in turn.

    The past spans lie anywhere in `span` (epoch ms); each holds more than ROWS candles.
    """

    port: int
    symbol: str
    span: tuple[int, int]
    clients: int
    seconds: float

    @property
    def path(self) -> str:
        return f"/api/v1/instruments/{self.symbol}/candles/?timeframe=1m"


def ask(load: Load) -> Asked:
    return asyncio.run(_ask(load))


async def _ask(load: Load) -> Asked:
    asked = Asked([], [], [])
    begins = time.perf_counter() + WARM_UP_S
    await asyncio.gather(*(_client(load, seed, begins, asked) for seed in range(load.clients)))
    return asked


async def _client(load: Load, seed: int, begins: float, asked: Asked) -> None:
    place = random.Random(seed)
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port, limit=1 << 20)
    is_plain = bool(seed % 2)
    while (started := time.perf_counter()) < begins + load.seconds:
        is_plain = not is_plain
        start = place.randrange(load.span[0], load.span[1] - LENGTH_MS, 60_000)
        query = "" if is_plain else f"&start={start}&end={start + LENGTH_MS}"
        writer.write(request(f"{load.path}&limit={ROWS}{query}"))
        status, body = await answer(reader)
        took = time.perf_counter() - started
        if status != 200 or body.count(b"],[") != ROWS - 1:
            asked.errors.append(f"{status}: {body[:200]!r}")
        elif started >= begins:
            (asked.plain if is_plain else asked.filtered).append(took)
    writer.close()


def export(load: Load, is_wanted: Callable[[], bool]) -> list[float]:
    """Let the clients export all candles as Arrow until told to stop; return rows per second."""
    return asyncio.run(_export(load, is_wanted))


async def _export(load: Load, is_wanted: Callable[[], bool]) -> list[float]:
    rates: list[float] = []

    async def client() -> None:
        while is_wanted():
            started = time.perf_counter()
            reader, writer = await asyncio.open_connection("127.0.0.1", load.port, limit=1 << 23)
            writer.write(request(f"{load.path}&format=arrow", "close"))
            size = 0
            while piece := await reader.read(1 << 20):
                size += len(piece)
            writer.close()
            rates.append(size / ROW_BYTES / (time.perf_counter() - started))

    await asyncio.gather(*(client() for _ in range(load.clients)))
    return rates


ROW_BYTES = 64
"""Of a candle in Arrow."""


def request(address: str, connection: str = "keep-alive") -> bytes:
    head = f"GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: {connection}\r\n\r\n"
    return head.encode()


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read status and body of an answer that has a length."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)
