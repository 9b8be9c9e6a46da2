"""Records instruments of a venue: prepares them, continues their streams, runs their sources."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from archive import records
from exchange.depth.history import resumed_writer
from exchange.kinds import BLOCKS, TRADES
from instruments.models import Instrument
from journal.journal import Journal
from journal.session import Session
from live.broadcast import Broadcaster
from quotes.kinds import QUOTES
from quotes.models import Run
from venues.feeds.events import Contract, FeedError, OpenFeed, Print
from venues.feeds.kinds import FEED_GAPS, VENUE_CANDLES
from venues.feeds.recorder import End, Recorder
from venues.feeds.source import FeedSource
from venues.feeds.tape import REMEMBERED, Tape

KINDS: Final = (TRADES, QUOTES, BLOCKS, FEED_GAPS, VENUE_CANDLES)


@dataclass(frozen=True)
class Found:
    """An instrument of a venue that trades."""

    contract: Contract
    last: Print


def find(open_feed: OpenFeed, symbols: Sequence[str]) -> list[Found]:
    """Return what a venue says of instruments; raise FeedError or UnavailableError."""

    async def ask() -> list[Found]:
        async with open_feed() as feed:
            found = []
            for symbol in symbols:
                contract = await feed.contract(symbol)
                recent = await feed.recent(contract)
                if not recent:
                    raise FeedError(f"{symbol} has not traded yet: try again when it has")
                found.append(Found(contract, recent[-1]))
            return found

    return asyncio.run(ask())


def target(found: Found, symbol: str, venue: str) -> Instrument:
    """Return the instrument to record into, created if necessary; raise FeedError.

    Raise ValidationError for an invalid symbol.
    """
    instrument = Instrument.objects.filter(symbol=symbol).first()
    lattice = found.contract.lattice
    if instrument is None:
        instrument = Instrument(
            symbol=symbol,
            name=f"{found.contract.symbol} of {venue}"[:100],
            tick_size=lattice.tick_size,
            lot_size=lattice.lot_size,
            currency=found.contract.currency[:8],
            opening_ticks=found.last.ticks,
        )
        instrument.full_clean()
        instrument.save()
        return instrument
    if instrument.has_book or Run.objects.filter(instrument=instrument).exists():
        raise FeedError(
            f"{symbol} is simulated here: record into another instrument, with --as NEW"
        )
    for name, ours, theirs in (
        ("tick size", instrument.lattice.tick_size, lattice.tick_size),
        ("lot size", instrument.lattice.lot_size, lattice.lot_size),
    ):
        if ours != theirs:
            raise FeedError(
                f"the {name} of {symbol} is {ours.normalize():f}, that of the venue "
                f"{theirs.normalize():f}: record into another instrument, with --as NEW"
            )
    return instrument


class Recording:
    """Records instruments until it is stopped."""

    def __init__(
        self,
        open_feed: OpenFeed,
        targets: Sequence[tuple[Instrument, Contract]],
        depth: int,
        broadcaster: Broadcaster,
    ) -> None:
        self.sources: list[FeedSource] = []
        self._open_feed = open_feed
        self._targets = targets
        self._depth = depth
        self._broadcaster = broadcaster
        instruments = [instrument for instrument, _ in targets]
        self._journal = Journal(instruments, publish=broadcaster.publish)

    def run(self, is_stopping: Callable[[], bool]) -> None:
        """Record until `is_stopping()`; raise FeedError or the error that stopped the journal."""
        with self._journal:
            self.sources = [self._source(*each) for each in self._targets]

            def should_stop() -> bool:
                return is_stopping() or any(each.error for each in self.sources)

            Session(self._journal, self._broadcaster.publish_state).run(self.sources, should_stop)
        for source in self.sources:
            if source.error is not None:
                raise source.error

    def _source(self, instrument: Instrument, contract: Contract) -> FeedSource:
        tails = {kind.name: self._journal.tail(instrument.pk, kind) for kind in KINDS}
        ends = {name: End(seq=tail.seq, at=tail.at) for name, tail in tails.items()}
        last = ends[TRADES.name].seq
        known = records.read(TRADES, instrument, max(0, last - REMEMBERED), last)
        tape = Tape(zip(known["taker"].tolist(), known["at"].tolist(), strict=True))
        recorder = Recorder(instrument.pk, ends, resumed_writer(instrument.pk))
        return FeedSource(self._open_feed, contract, recorder, tape, self._depth)
