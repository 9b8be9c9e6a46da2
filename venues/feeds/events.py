"""What a feed of a venue delivers, in whole ticks, lots and microseconds, and its interface. Pure.

A feed follows one instrument of a venue. It reconnects by itself; whenever its market data may be
incomplete it says so (`Lost`), and after each subscription it asks for the past (`Joined`).
"""

import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from instruments.lattice import Lattice
from venues.feeds.kinds import Cause


class FeedError(Exception):
    """A feed cannot go on: what the venue sends cannot be recorded, or it refuses for good."""


class UnavailableError(Exception):
    """The venue did not answer, or not now: try again later."""


@dataclass(frozen=True, kw_only=True)
class Contract:
    """An instrument as a venue describes it."""

    symbol: str
    """Its name at the venue."""
    lattice: Lattice
    currency: str


class Print(NamedTuple):
    """A trade. `key` identifies it: `key_of` its id at the venue. `side`: of the aggressor."""

    key: int
    at: int
    ticks: int
    lots: int
    side: int


class Level(NamedTuple):
    """A level of a book with its new total; 0 lots: it is gone."""

    side: int
    ticks: int
    lots: int


class Minute(NamedTuple):
    """A closed candle of one minute, of the venue's own trades."""

    opened_at: int
    open: int
    high: int
    low: int
    close: int
    lots: int


@dataclass(frozen=True)
class Joined:
    """The topics are subscribed: what happens from now on will arrive."""


@dataclass(frozen=True)
class Trades:
    """New trades, oldest first."""

    prints: Sequence[Print]


@dataclass(frozen=True)
class Snapshot:
    """The whole book at a moment."""

    at: int
    levels: Sequence[Level]


@dataclass(frozen=True)
class Delta:
    """The levels of the book that changed."""

    at: int
    levels: Sequence[Level]


@dataclass(frozen=True)
class Lost:
    """The book is unknown until the next Snapshot, and trades may be missing.

    Unless the cause is SKIPPED, Joined follows.
    """

    cause: Cause
    detail: str


Event = Joined | Trades | Snapshot | Delta | Lost


class Feed(Protocol):
    """The public market data of a venue."""

    async def contract(self, symbol: str) -> Contract:
        """Return an instrument; raise FeedError if there is none, UnavailableError."""

    async def recent(self, contract: Contract) -> Sequence[Print]:
        """Return the newest trades that the venue keeps, oldest first; raise UnavailableError."""

    async def minutes(self, contract: Contract, since: int) -> Sequence[Minute]:
        """Return closed candles that opened after `since` (0: the newest), oldest first.

        As many as one request returns. Raise UnavailableError.
        """

    def events(self, contract: Contract, depth: int) -> AsyncGenerator[Event, None]:
        """Follow trades and book, through disconnections, until the generator is closed.

        Raise FeedError if the venue refuses for good.
        """


class OpenFeed(Protocol):
    """Opens a feed, on the event loop that runs."""

    def __call__(self) -> AbstractAsyncContextManager[Feed]: ...


def key_of(trade_id: str) -> int:
    """Return 63 bits that stand for a venue's id of a trade, at least 1."""
    digest = hashlib.blake2b(trade_id.encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 1) or 1


def count(step: Decimal, text: str, name: str) -> int:
    """Return a price or quantity in whole steps; raise FeedError unless it is a whole number."""
    steps, rest = divmod(Decimal(text), step)
    if rest or steps < 0:
        raise FeedError(
            f"{name} {text} is not a multiple of {step}: the venue changed its steps; record into "
            "a new instrument, with --as"
        )
    return int(steps)
