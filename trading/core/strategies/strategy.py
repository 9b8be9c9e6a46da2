"""The interface of strategies. They see one instrument, and say what they want; they send nothing.

A strategy is a pure function of what it sees and its parameters, so that a decision can be
repeated from the record of it. The runner compares what is wanted with what is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from trading.core.orderchoice import Touch


class Level(NamedTuple):
    """A price level of a book."""

    ticks: int
    lots: int


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An instrument as a strategy sees it: its book, best levels first, and what the bot holds."""

    symbol: str
    at: int
    """Microseconds since 1970 UTC, by the clock of the venue."""
    bids: Sequence[Level]
    asks: Sequence[Level]
    held: int
    """Lots, negative if short."""

    @property
    def touch(self) -> Touch | None:
        """Return the best prices; None while a side is empty."""
        if not self.bids or not self.asks:
            return None
        return Touch(bid=self.bids[0].ticks, ask=self.asks[0].ticks)


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A post-only order that should rest in the book."""

    side: int
    ticks: int
    lots: int


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a strategy wants in an instrument, and why."""

    target: int | None = None
    """Lots to hold, reached with orders that may take; None: the position is right as it is."""
    urgency: float = 1.0
    """Of reaching the target: 0 it may as well not trade, 1 it must (core/orderchoice.py)."""
    quotes: Sequence[Quote] = ()
    """The orders that should rest; others of this bot in this instrument are cancelled."""
    why: Mapping[str, Any] = field(default_factory=dict)
    """The signal, as JSON: part of every order that follows from it."""


class Parameter(NamedTuple):
    """A number that configures a strategy, within bounds."""

    default: float
    smallest: float
    largest: float
    help: str
    is_whole: bool = False


class Strategy(Protocol):
    """One of the catalogue. Instances are frozen: all that varies is in `seen`."""

    name: ClassVar[str]
    summary: ClassVar[str]
    parameters: ClassVar[Mapping[str, Parameter]]

    @classmethod
    def of(cls, values: Mapping[str, float]) -> Self:
        """Return the strategy with these values of all of its parameters.

        Raise ValueError if they do not fit together.
        """

    def decide(self, seen: Seen) -> Decision | None:
        """Return what is wanted; None if nothing can be said, which leaves all as it is."""
