"""Clusters as a topic in a web process: closed ones as stored, the open one from new trades."""

import asyncio
from collections import deque
from contextvars import Context
from typing import Any, Final, TypeGuard

import orjson
import structlog
from django.conf import settings
from django.db import Error as DatabaseError

from exchange.depth.streams import symbols_with_books
from exchange.kinds import TRADES
from live import derivedtapes, sequenced, topics
from live.cutting import made
from live.derivedtapes import DerivedTape
from live.frames import Publication
from live.reads import read
from live.tape import BEHIND_S, RETRY_S, FanOut
from live.topics import key_of
from market.timeframes import TIMEFRAMES
from orderflow import metrics
from orderflow.opencluster import OpenCluster
from orderflow.topics import TOPIC, StoredFootprints, named, read_open, symbol_of

logger = structlog.get_logger(__name__)

MS: Final = 0.001
Rows = list[list[Any]]


class FootprintTape(DerivedTape):
    """Follows the trades of its instrument.

    The open cluster is read once and continued by published trades. When they close it, or after a
    hole, it is read again, and with it the clusters that closed.
    """

    def __init__(self, topic: str, fan_out: FanOut) -> None:
        self._key = key_of(topic)
        trades = f"{TRADES.name}.{named(self._key).symbol}"
        super().__init__(topic, StoredFootprints(), fan_out, trades)
        self._open: OpenCluster | None = None
        self._arrived: deque[Rows | None] = deque()
        self._renewing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_changed = False
        self._pushed_at = float("-inf")
        self._pushed_price = 0.0

    async def open(self) -> None:
        """Read the open cluster, then the end of the closed ones; raise DatabaseError."""
        found = await read(read_open, self._key)
        await super().open()
        if found is None or self._is_current(found):
            self._replace(found)
        else:
            self._renew()

    def close(self) -> None:
        for pending in (self._renewing, self._timer):
            if pending is not None:
                pending.cancel()
        super().close()

    def deliver(self, publication: Publication) -> None:
        """Accept trades, or the news that some are missing."""
        frame = orjson.loads(publication["text"])
        self._arrived.append(frame["data"] if frame["type"] == TRADES.frame else None)
        if self._is_open and self._renewing is None:
            self._continue()

    def present(self) -> Publication | None:
        """Return the open cluster as it is now; None while it is read again."""
        return self._publication(self._open) if self._is_current(self._open) else None

    def fail(self) -> None:
        super().fail()
        self._renew()

    def _is_current(self, cluster: OpenCluster | None) -> TypeGuard[OpenCluster]:
        """Return whether this is the cluster after the last closed one that was sent."""
        return cluster is not None and cluster.number == self.end

    def _continue(self) -> None:
        """Add the trades that arrived to the open cluster."""
        while self._arrived:
            rows = self._arrived.popleft()
            if rows is None or self._open is None or not self._open.add(rows):
                self._renew()
                return
            self._is_changed = True
        self._push_when_due()

    def _renew(self) -> None:
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._read_again(), context=Context())

    async def _read_again(self) -> None:
        """Read the open cluster, then what closed before it."""
        while True:
            self._arrived.clear()  # what was published is stored
            try:
                found = await read(read_open, self._key)
                await self.catch_up()
            except DatabaseError as error:
                logger.warning("cluster not read", topic=self.topic, error=str(error).strip())
                await asyncio.sleep(RETRY_S)
                continue
            if found is None or self._is_current(found):
                break
            await asyncio.sleep(BEHIND_S)  # it closed meanwhile
        self._renewing = None
        self._replace(found)

    def _replace(self, found: OpenCluster | None) -> None:
        self._open, self._is_changed = found, found is not None
        self._continue()

    def _push_when_due(self) -> None:
        """Push a changed cluster now if the time has come or the price moved, otherwise later."""
        if not self._is_changed or self._open is None:
            return
        loop = asyncio.get_running_loop()
        due = self._pushed_at + settings.FOOTPRINT_PUSH_MS * MS
        moved = abs(self._open.price - self._pushed_price) / self._open.row_size
        if loop.time() >= due or moved >= settings.FOOTPRINT_PUSH_ROWS:
            self._push()
        elif self._timer is None:
            self._timer = loop.call_at(due, self._push)

    def _push(self) -> None:
        """Send the open cluster to all subscribers."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._is_changed or not self._is_current(self._open):
            return
        self._is_changed = False
        self._pushed_at = asyncio.get_running_loop().time()
        self._pushed_price = self._open.price
        if self.subscribers:
            metrics.PUSHED.inc()
            self._fan_out(self.subscribers, self._publication(self._open))

    def _publication(self, cluster: OpenCluster) -> Publication:
        frame = {"topic": self.topic, "type": "open", "data": orjson.Fragment(cluster.row())}
        return made(frame, 0, 0)


def register() -> None:
    """Register the topics; called once, when the app is ready."""
    timeframes = ", ".join(TIMEFRAMES)
    form = f"{TOPIC}.SYMBOL.TIMEFRAME or {TOPIC}.SYMBOL.TIMEFRAME.STEP (TIMEFRAME {timeframes})"
    topics.register(TOPIC, form, symbol_of, symbols_with_books)
    sequenced.register(TOPIC, StoredFootprints())
    derivedtapes.register(TOPIC, FootprintTape)
