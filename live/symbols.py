"""Symbols of all instruments, cached so that a subscription needs no query."""

import asyncio
import sys
import time
from collections.abc import Iterable

from instruments.models import Instrument
from live import topics
from live.protocol import ProtocolError, unknown_topic
from live.reads import read

FRESH_S = 1.0
"""`*` expands to a list of instruments at most this old."""


def all_symbols() -> list[str]:
    return list(Instrument.objects.order_by("pk").values_list("symbol", flat=True))


def expand(names: Iterable[str], symbols: Iterable[str], req_id: object = None) -> list[str]:
    """Return the topics of `names`, `*` expanded; raise ProtocolError."""
    known = dict.fromkeys(symbols)
    found: list[str] = []
    for name in names:
        parts = topics.split(name)
        if parts is None:
            raise unknown_topic(name, req_id)
        kind, key = parts
        symbol = kind.symbol_of(key)
        if symbol == "*":
            found += [f"{kind.name}.{key.replace('*', each, 1)}" for each in known]
        elif symbol in known:
            found.append(f"{kind.name}.{key}")
        else:
            detail = f"topic {name} names no instrument; see /api/v1/instruments/"
            raise ProtocolError("unknown_topic", detail, req_id)
    return [sys.intern(topic) for topic in dict.fromkeys(found)]  # sockets share the strings


class Symbols:
    """The symbols of all instruments, read again for an unknown one."""

    def __init__(self) -> None:
        self._known: list[str] = []
        self._read_at = float("-inf")
        self._reading: asyncio.Task[list[str]] | None = None

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
