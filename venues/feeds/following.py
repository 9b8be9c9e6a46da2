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
    """The answer to a back-fill, None if the venue gave none. `number`: of the request."""

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
        self._number = 0
        """Of the newest back-fill: answers to earlier ones do not count."""
        self._held: list[Print] | None = None
        """Live trades that wait for a back-fill."""
        self._lost: Cause | None = Cause.NOT_RUNNING
        self._doubt: Cause | None = Cause.NOT_RUNNING
        """Why trades may be missing."""
        self._sure_until: int | None = recorder.end_of(BLOCKS) or recorder.end_of(TRADES)
        """No trade is missing before this time, of the last book that was complete; None: none is
        known to be missing."""
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
            self._name_doubt()

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
                    await self._ask_recent(feed, self._number, attempts=1)
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
            await self._ask_recent(feed, self._number, ATTEMPTS)
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
            case Lost():
                return self._lose(feed, item)
            case Joined():
                self._ask_past(feed)
                return True
            case Recent():
                return self._fill(item)
            case Minutes(minutes):
                bundle = self._recorder.minutes(minutes)
                self.counts.candles += sum(len(each.rows) for each in bundle)
                return self._store(bundle)
            case _:
                raise item

    def _lose(self, feed: Feed, lost: Lost) -> bool:
        """Empty the book. Where its messages are missing, those of trades may be, too."""
        self._log.warning("book lost", cause=lost.cause.name.lower(), detail=lost.detail)
        self._lost = self._lost or lost.cause
        if self._doubt is None:
            self._doubt = lost.cause
            self._sure_until = self._recorder.end_of(BLOCKS) or self._recorder.end_of(TRADES)
        if lost.cause is Cause.SKIPPED:
            self._ask_past(feed)
        else:
            self._hold()  # until the next subscription
        return self._store(self._recorder.forget_book())

    def _hold(self) -> None:
        """Let live trades wait for the next back-fill; one that is under way is too early."""
        self._number += 1
        self._held = self._held or []
        if self._backfill is not None:
            self._backfill.cancel()

    def _ask_past(self, feed: Feed) -> None:
        self._hold()
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
        if recent.number != self._number:
            return True  # something was lost after it
        held, self._held = self._held or [], None
        cause, self._doubt = self._doubt or Cause.DISCONNECTED, None
        sure_until, self._sure_until = self._sure_until, None
        began_at, found = self._sure_end(sure_until), recent.prints
        if found is None:
            found, is_complete, cause = [], not began_at, Cause.REFUSED
        else:
            found, is_complete = self._tape.join(found, sure_until)
        prints = [*found, *self._tape.new(held)]
        if not is_complete:
            first = next(iter(recent.prints or prints), None)
            if not self._gap(Of.TRADES, cause, began_at, first.at if first else now_us()):
                return False
        return self._record(prints)

    def _sure_end(self, sure_until: int | None) -> int:
        """Return the time of the last trade before which none is missing; 0: none is stored."""
        newest = self._recorder.end_of(TRADES)
        return newest if sure_until is None else min(newest, sure_until)

    def _name_doubt(self) -> None:
        """At the end, name a hole that no back-fill has filled.

        A newer book and trades after the hole are stored, so the next start would not see it.
        """
        sure_until, newest = self._sure_until, self._recorder.end_of(TRADES)
        if self._doubt is None or sure_until is None:
            return
        if sure_until < newest and sure_until < self._recorder.end_of(BLOCKS):
            self._gap(Of.TRADES, self._doubt, sure_until, newest)

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
