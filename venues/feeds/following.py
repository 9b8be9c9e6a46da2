"""Follows one instrument of a venue: joins live market data with back-fills, names gaps. Pure."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import structlog

from exchange.kinds import BLOCKS, TRADES
from journal.intake import Bundle
from venues.feeds.events import (
    Contract,
    Delta,
    Event,
    Feed,
    Joined,
    Lost,
    Minute,
    Print,
    Snapshot,
    Trades,
    UnavailableError,
)
from venues.feeds.kinds import VENUE_CANDLES, Cause, Of
from venues.feeds.recorder import Recorder
from venues.feeds.tape import Tape

logger = structlog.get_logger(__name__)

POLL_S: Final = 60.0
"""Between two looks at the newest trades and candles over REST."""
ATTEMPTS: Final = 6
"""At a back-fill, with growing pauses: half a minute in all."""
QUEUE: Final = 1_000
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0


@dataclass(frozen=True)
class Recent:
    """The answer to a back-fill, None if the venue gave none. `number`: of the subscription."""

    number: int
    prints: Sequence[Print] | None


@dataclass(frozen=True)
class Minutes:
    minutes: Sequence[Minute]


Item = Event | Recent | Minutes | Exception


@dataclass
class Counts:
    """What was recorded."""

    trades: int = 0
    blocks: int = 0
    candles: int = 0
    gaps: int = 0


def pauses(draw: Callable[[], float] = random.random) -> Iterator[float]:
    """Yield growing pauses between attempts; `draw` (0 to 1) spreads those of many clients."""
    for attempt in itertools.count():
        yield min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempt, 10)) * (0.5 + draw() / 2)


def now_us() -> int:
    return time.time_ns() // 1_000


class Follower:
    """Turns what a feed delivers into bundles; `put` returns False once nothing is accepted."""

    def __init__(
        self,
        contract: Contract,
        recorder: Recorder,
        tape: Tape,
        put: Callable[[Bundle], bool],
        on_counts: Callable[[int], None] = lambda trades: None,
    ) -> None:
        self.counts = Counts()
        self._contract = contract
        self._recorder = recorder
        self._tape = tape
        self._put = put
        self._on_counts = on_counts
        self._queue: asyncio.Queue[Item] = asyncio.Queue(QUEUE)
        self._joins = 0
        self._held: list[Print] | None = None
        """Live trades that wait for the back-fill of their subscription."""
        self._lost: Cause | None = Cause.NOT_RUNNING
        self._backfill: asyncio.Task[None] | None = None
        self._log = logger.bind(symbol=contract.symbol)

    async def run(self, feed: Feed, depth: int) -> None:
        """Follow until cancelled or nothing is accepted any more; raise FeedError."""
        tasks = [asyncio.create_task(each) for each in (self._pump(feed, depth), self._poll(feed))]
        try:
            if not self._store(self._recorder.forget_book()):
                return
            while self._take(feed, await self._queue.get()):
                pass
        finally:
            if self._backfill is not None:
                tasks.append(self._backfill)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self, feed: Feed, depth: int) -> None:
        try:
            async with aclosing(feed.events(self._contract, depth)) as events:
                async for event in events:
                    await self._queue.put(event)
        except Exception as error:  # run() raises it again
            await self._queue.put(error)

    async def _poll(self, feed: Feed) -> None:
        """Ask for candles, and for trades that no message brought."""
        try:
            while True:
                await self._ask_minutes(feed)
                await asyncio.sleep(POLL_S)
                if self._held is None:
                    await self._ask_recent(feed, self._joins, attempts=1)
        except Exception as error:  # run() raises it again
            await self._queue.put(error)

    async def _ask_minutes(self, feed: Feed) -> None:
        """Ask for the candles since the last one, page by page."""
        since = self._recorder.end_of(VENUE_CANDLES)
        try:
            while minutes := await feed.minutes(self._contract, since):
                if minutes[-1].opened_at <= since:
                    return
                await self._queue.put(Minutes(minutes))
                since = minutes[-1].opened_at
        except UnavailableError as error:
            self._log.warning("candles unavailable", reason=str(error))

    async def _ask_recent(self, feed: Feed, number: int, attempts: int) -> None:
        for pause in itertools.islice(pauses(), attempts):
            try:
                found = await feed.recent(self._contract)
            except UnavailableError as error:
                self._log.warning("recent trades unavailable", reason=str(error))
                await asyncio.sleep(pause)
            else:
                await self._queue.put(Recent(number, found))
                return
        if self._held is not None:
            await self._queue.put(Recent(number, None))

    async def _backfilled(self, feed: Feed) -> None:
        try:
            await self._ask_recent(feed, self._joins, ATTEMPTS)
        except Exception as error:  # run() raises it again
            await self._queue.put(error)

    def _take(self, feed: Feed, item: Item) -> bool:
        """Record what an item says; return False once nothing is accepted."""
        match item:
            case Trades(prints):
                return self._trade(prints)
            case Delta(at, levels):
                self.counts.blocks += 1
                return self._store(self._recorder.delta(at, levels))
            case Snapshot():
                return self._begin_book(item)
            case Lost(cause, detail):
                self._log.warning("book lost", cause=cause.name.lower(), detail=detail)
                self._lost = self._lost or cause
                return self._store(self._recorder.forget_book())
            case Joined():
                self._join(feed)
                return True
            case Recent():
                return self._fill(item)
            case Minutes(minutes):
                bundle = self._recorder.minutes(minutes)
                self.counts.candles += sum(len(each.rows) for each in bundle)
                return self._store(bundle)
            case _:
                raise item

    def _join(self, feed: Feed) -> None:
        self._joins += 1
        self._held = self._held or []
        if self._backfill is not None:
            self._backfill.cancel()
        self._backfill = asyncio.create_task(self._backfilled(feed))

    def _trade(self, prints: Sequence[Print]) -> bool:
        if self._held is not None:
            self._held += prints
            return True
        return self._record(self._tape.new(prints))

    def _record(self, prints: Sequence[Print]) -> bool:
        self.counts.trades += len(prints)
        self._on_counts(len(prints))
        return self._store(self._recorder.trades(prints))

    def _fill(self, recent: Recent) -> bool:
        """Record a back-fill, then the live trades that waited for it."""
        if recent.number != self._joins:
            return True  # of an earlier subscription
        held, self._held = self._held or [], None
        began_at, found = self._recorder.end_of(TRADES), recent.prints
        cause = Cause.NOT_RUNNING if self._joins == 1 else Cause.DISCONNECTED
        if found is None:
            found, is_complete, cause = [], not began_at, Cause.REFUSED
        else:
            found, is_complete = self._tape.join(found)
        prints = [*found, *self._tape.new(held)]
        if not is_complete:
            ended_at = prints[0].at if prints else now_us()
            if not self._gap(Of.TRADES, cause, began_at, ended_at):
                return False
        return self._record(prints)

    def _begin_book(self, snapshot: Snapshot) -> bool:
        began_at, cause, self._lost = self._recorder.end_of(BLOCKS), self._lost, None
        self.counts.blocks += 1
        if cause is None or not began_at:
            return self._store(self._recorder.snapshot(snapshot.at, snapshot.levels))
        is_stored = self._gap(Of.BOOK, cause, began_at, snapshot.at)
        return is_stored and self._store(self._recorder.snapshot(snapshot.at, snapshot.levels))

    def _gap(self, of: Of, cause: Cause, began_at: int, ended_at: int) -> bool:
        self.counts.gaps += 1
        seconds = max(0, ended_at - began_at) / 1_000_000
        names = {"of": of.name.lower(), "cause": cause.name.lower()}
        self._log.warning("gap", **names, seconds=seconds)
        return self._store(self._recorder.gap(of, cause, began_at, ended_at))

    def _store(self, bundle: Bundle) -> bool:
        return self._put(bundle) if bundle else True
