"""Books as recorded: the newest checkpoint, and history repeated from there to the end."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from archive import records
from exchange.depth.blocks import UPDATE
from exchange.depth.depthbook import DepthBook
from exchange.engine.snapshots import SnapshotError
from exchange.flow.market import BookMarket, Position
from exchange.flow.options import MarketOptions
from exchange.kinds import BLOCKS, CHECKPOINTS, EPISODES, FLOW, MESSAGES, TRADES
from exchange.matching import BUY, SELL
from exchange.running.bookrun import BookRun, Ends
from exchange.running.laws import Laws, recorded_laws, start_at
from exchange.running.repeating import DivergedError, Repetition, place_of
from instruments.models import Instrument
from journal.journal import Journal
from journal.storage import read_record
from market.kinds import Rows
from quotes.extensions import ExtensionError

ALL_LEVELS: Final = 2**62


class RecoveryError(ExtensionError):
    """The records of a book do not agree with the history that they should determine."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What is recorded of one book. The newest records have shape (1,), or (0,) if none."""

    instrument: Instrument
    laws: Laws
    checkpoint: Rows
    block: Rows
    trade: Rows
    seqs: dict[str, int]
    """The newest seq by kind."""
    first_slot: int
    """The slot with which the book opened, 0 if it has no records."""

    @property
    def slot(self) -> int:
        """The slot in progress after the newest block, 0 if there is no block."""
        return int(self.block["slot"][0]) if len(self.block) else 0


def recorded(journal: Journal, instrument: Instrument) -> Recorded:
    """Read the ends of a book's streams; `journal` holds the instrument."""
    kinds = (TRADES, BLOCKS, MESSAGES, FLOW, EPISODES, CHECKPOINTS)
    tails = {kind.name: journal.tail(instrument.pk, kind) for kind in kinds}
    first = read_record(BLOCKS, instrument.pk, 1)
    return Recorded(
        instrument=instrument,
        laws=recorded_laws(journal, instrument),
        checkpoint=tails[CHECKPOINTS.name].last,
        block=tails[BLOCKS.name].last,
        trade=tails[TRADES.name].last,
        seqs={name: tail.seq for name, tail in tails.items()},
        first_slot=int(first["slot"][0]) if len(first) else 0,
    )


def opened(found: Recorded, slot: int, options: MarketOptions) -> BookRun:
    """Open a book that has no records with `slot`."""
    market = BookMarket.open(start_at(found.instrument, found.laws, slot), options)
    run = BookRun(found.instrument.pk, market, Ends(), DepthBook())
    run.advance(run.at)  # collects the opening book
    run.checkpoint()
    return run


def recovered(found: Recorded) -> BookRun:
    """Return the book after its newest block; raise RecoveryError if its history differs."""
    symbol = found.instrument.symbol
    if not len(found.checkpoint):
        raise RecoveryError(f"{symbol}: the book has blocks but no checkpoint: restore a backup")
    (checkpoint,) = found.checkpoint
    messages = records.chunks(
        MESSAGES, found.instrument, int(checkpoint["message_seq"]), found.seqs[MESSAGES.name]
    )
    slot, event, at = place_of(found.block)
    try:
        repetition = Repetition(BookMarket.restore(bytes(checkpoint["data"])), messages)
        made = repetition.to(Position(slot, event), at)
    except (DivergedError, SnapshotError) as error:
        raise differs(found, str(error)) from error
    market = repetition.market
    compare(market, found, made.trades[-1:])
    ends = Ends(
        messages=found.seqs[MESSAGES.name],
        blocks=found.seqs[BLOCKS.name],
        checkpoints=found.seqs[CHECKPOINTS.name],
    )
    return BookRun(found.instrument.pk, market, ends, level_book(market))


def compare(market: BookMarket, found: Recorded, last: Rows) -> None:
    """Raise RecoveryError unless the repeated history ends with the recorded trade."""
    seq = found.seqs[TRADES.name]
    if market.trade_seq != seq:
        raise differs(found, f"it ends with trade {market.trade_seq}, not {seq}")
    if len(last) and last[0] != found.trade[0]:
        raise differs(found, f"trade {seq} is {last[0]}, but {found.trade[0]} is stored")


def differs(found: Recorded, what: str) -> RecoveryError:
    return RecoveryError(
        f"{found.instrument.symbol}: history repeated from checkpoint "
        f"{found.seqs[CHECKPOINTS.name]} differs from the records: {what}. Run `manage.py audit`, "
        "and restore a backup"
    )


def level_book(market: BookMarket) -> DepthBook:
    """Return the totals per price of a market's book."""
    book = DepthBook()
    for side in (BUY, SELL):
        levels = market.levels(side, ALL_LEVELS)
        updates = np.zeros(len(levels), UPDATE)
        updates["side"], updates["ticks"], updates["lots"] = side, levels["ticks"], levels["lots"]
        book.apply(updates)
    return book
