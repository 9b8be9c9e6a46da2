"""The life of a position: four states, and what may lead from one to another.

A fill that reverses a position is two events: it closes this position and opens another one.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from trading.core.transitions import Guard, Rule, Table


class PositionState(IntEnum):
    OPENING = 0
    """An order that opens it is working; some of it may have traded."""
    OPEN = 1
    CLOSING = 2
    """An order that closes it is working."""
    CLOSED = 3


class PositionEvent(IntEnum):
    ENTRY_FILLED = 0
    ENTRY_ENDED = 1
    """The entry order is filled, or its remainder was cancelled."""
    INCREASED = 2
    REDUCED = 3
    """A part was closed: by another order, or by the venue (liquidation)."""
    EXIT_SENT = 4
    EXIT_FILLED = 5
    EXIT_ENDED = 6
    """The exit order ended and something is left."""
    FLAT = 7
    """Nothing is left, or nothing was ever opened."""


@dataclass(frozen=True, kw_only=True)
class PositionFacts:
    """What is held: lots, negative if short."""

    lots: int = 0


def grown(before: PositionFacts, after: PositionFacts) -> str | None:
    """More is held, on the same side."""
    if before.lots * after.lots >= 0 and abs(after.lots) > abs(before.lots):
        return None
    return f"it must grow on its side, not change from {before.lots:+d} to {after.lots:+d} lots"


def shrunk(before: PositionFacts, after: PositionFacts) -> str | None:
    """Less is held, on the same side, but not nothing."""
    if before.lots * after.lots > 0 and abs(after.lots) < abs(before.lots):
        return None
    return f"it must shrink on its side, not change from {before.lots:+d} to {after.lots:+d} lots"


def held(before: PositionFacts, after: PositionFacts) -> str | None:
    """Something is held, and stays as it is."""
    if not after.lots:
        return "nothing is held"
    if before != after:
        return f"it must not change {before.lots:+d} to {after.lots:+d} lots"
    return None


def flat(_: PositionFacts, after: PositionFacts) -> str | None:
    """Nothing is held any more."""
    return f"{after.lots:+d} lots are held" if after.lots else None


_S, _E = PositionState, PositionEvent


def _rule(target: PositionState, guard: Guard[PositionFacts]) -> Rule[PositionState, PositionFacts]:
    return Rule(target, guard)


POSITION_TABLE: Final[Table[PositionState, PositionEvent, PositionFacts]] = Table(
    "position",
    PositionState,
    PositionEvent,
    {
        (_S.OPENING, _E.ENTRY_FILLED): _rule(_S.OPENING, grown),
        (_S.OPENING, _E.ENTRY_ENDED): _rule(_S.OPEN, held),
        (_S.OPENING, _E.REDUCED): _rule(_S.OPENING, shrunk),
        (_S.OPENING, _E.EXIT_SENT): _rule(_S.CLOSING, held),
        (_S.OPENING, _E.FLAT): _rule(_S.CLOSED, flat),
        (_S.OPEN, _E.INCREASED): _rule(_S.OPEN, grown),
        (_S.OPEN, _E.REDUCED): _rule(_S.OPEN, shrunk),
        (_S.OPEN, _E.EXIT_SENT): _rule(_S.CLOSING, held),
        (_S.OPEN, _E.FLAT): _rule(_S.CLOSED, flat),
        # The entry order may still fill while its cancellation is on its way.
        (_S.CLOSING, _E.INCREASED): _rule(_S.CLOSING, grown),
        (_S.CLOSING, _E.REDUCED): _rule(_S.CLOSING, shrunk),
        (_S.CLOSING, _E.EXIT_FILLED): _rule(_S.CLOSING, shrunk),
        (_S.CLOSING, _E.EXIT_ENDED): _rule(_S.OPEN, held),
        (_S.CLOSING, _E.FLAT): _rule(_S.CLOSED, flat),
    },
)


@dataclass(frozen=True, kw_only=True)
class PositionLife:
    """A position at one moment. `version` counts its transitions, for optimistic locking."""

    facts: PositionFacts = PositionFacts()
    state: PositionState = PositionState.OPENING
    version: int = 0

    @property
    def is_final(self) -> bool:
        return POSITION_TABLE.is_final(self.state)

    def after(self, event: PositionEvent, facts: PositionFacts | None = None) -> "PositionLife":
        """Return the position after an event that says `facts`; raise IllegalTransitionError."""
        new = self.facts if facts is None else facts
        state = POSITION_TABLE.target(self.state, event, self.facts, new)
        return replace(self, facts=new, state=state, version=self.version + 1)
