"""Symbols of all instruments, cached so that a subscription needs no query."""

import asyncio
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from instruments.models import Instrument
from live import topics
from live.protocol import ProtocolError, unknown_topic
from live.reads import read
from live.topics import TopicKind

FRESH_S = 1.0
"""`*` expands to a list of instruments at most this old."""


class Known(NamedTuple):
    """The symbols of all instruments, and by kind of topic of those that have such topics."""

    instruments: Collection[str]
    having: Mapping[str, Collection[str]]

    def of(self, kind: TopicKind) -> Collection[str]:
        return self.having.get(kind.name, self.instruments)


def all_symbols() -> Known:
    """Read the symbols from the database."""
    instruments = Instrument.objects.order_by("pk").values_list("symbol", flat=True)
    having = {
        kind.name: dict.fromkeys(kind.symbols())
        for kind in topics.of_some_instruments()
        if kind.symbols is not None
    }
    return Known(dict.fromkeys(instruments), having)


def expand(names: Iterable[str], known: Known, req_id: object = None) -> list[str]:
    """Return the topics of `names`, `*` expanded; raise ProtocolError."""
    found: dict[str, None] = {}
    for name in names:
        parts = topics.split(name)
        if parts is None:
            raise unknown_topic(name, req_id)
        kind, key = parts
        symbol = kind.symbol_of(key)
        if symbol == "*":
            found |= {f"{kind.name}.{key.replace('*', each, 1)}": None for each in known.of(kind)}
        elif symbol in known.of(kind):
            found[f"{kind.name}.{key}"] = None
        else:
            raise ProtocolError("unknown_topic", missing(name, symbol, kind, known), req_id)
    return [sys.intern(topic) for topic in found]  # sockets share the strings


def missing(name: str, symbol: str, kind: TopicKind, known: Known) -> str:
    """Return why there is no topic `name` of a known kind."""
    if symbol in known.instruments:
        return f"topic {name} does not exist: {symbol} has no {kind.name}"
    return f"topic {name} names no instrument: use {kind.form} and see /api/v1/instruments/"


class Symbols:
    """The symbols of all instruments, read again for an unknown one."""

    def __init__(self) -> None:
        self._known = Known((), {})
        self._read_at = float("-inf")
        self._reading: asyncio.Task[Known] | None = None

    async def expand(self, names: Iterable[str], req_id: object = None) -> list[str]:
        """Return the topics of `names`, `*` expanded; raise ProtocolError, DatabaseError."""
        names = list(names)
        old = time.monotonic() - self._read_at > FRESH_S
        if not (old and any("*" in name for name in names)):
            try:
                return expand(names, self._known, req_id)
            except ProtocolError:
                pass  # it may be new
        await self._refresh()
        return expand(names, self._known, req_id)

    async def _refresh(self) -> None:
        """Read the symbols; concurrent callers share the read."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(read(all_symbols))
        self._known = await asyncio.shield(self._reading)
        self._read_at = time.monotonic()
