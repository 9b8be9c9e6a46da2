"""The life of an order as a bot knows it: seven states, and what may lead from one to another.

The states follow what the venue reports. An order is PENDING from the moment at which the intention
to send it is committed, so PENDING also means "sent, and the answer was lost".
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from trading.core.transitions import Guard, Rule, Table


class OrderState(IntEnum):
    PENDING = 0
    """Stored; whether the venue has it is unknown."""
    PLACED = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELLED = 4
    REJECTED = 5
    """The venue refused it. What our own risk rules refuse never becomes an order."""
    FAILED = 6
    """It expired, or the venue provably never had it, or has no record of how it ended."""


class OrderEvent(IntEnum):
    ACCEPTED = 0
    AMENDED = 1
    """Price or size changed, at our request or the venue's (a reduce-only order shrinks)."""
    FILLED_PARTLY = 2
    FILLED = 3
    CANCELLED = 4
    REJECTED = 5
    EXPIRED = 6
    NOT_FOUND = 7
    """The venue has no such order, and no request for it can still be on its way."""


@dataclass(frozen=True, kw_only=True)
class OrderFacts:
    """What a venue says of an order, beside its state. `filled` counts from the beginning."""

    lots: int
    filled: int = 0
    ticks: int = 0

    def __post_init__(self) -> None:
        if self.lots <= 0:
            raise ValueError(f"an order of {self.lots} lots: use at least 1")
        if not 0 <= self.filled <= self.lots:
            raise ValueError(f"filled {self.filled} of {self.lots} lots: use 0 to {self.lots}")
        if self.ticks < 0:
            raise ValueError(f"a limit of {self.ticks} ticks: use 0 for none, or a positive price")

    @property
    def leaves(self) -> int:
        """Return the lots that are not filled."""
        return self.lots - self.filled


def unchanged(before: OrderFacts, after: OrderFacts) -> str | None:
    """The event says nothing about price and size."""
    return None if before == after else f"it must not change {before} to {after}"


def resized(before: OrderFacts, after: OrderFacts) -> str | None:
    """Price or size changes; fills are events of their own."""
    if after.filled != before.filled:
        return f"an amendment cannot change filled from {before.filled} to {after.filled}"
    if after.leaves == 0:
        return f"{after.lots} lots are filled already: more must remain"
    return "nothing changes" if after == before else None


def filled_partly(before: OrderFacts, after: OrderFacts) -> str | None:
    """More is filled, and something remains."""
    return _same_order(before, after) or (
        None
        if before.filled < after.filled < after.lots
        else f"filled must lie between {before.filled} and {after.lots}, not be {after.filled}"
    )


def filled_whole(before: OrderFacts, after: OrderFacts) -> str | None:
    """The last lot is filled, or the venue took off what was not filled."""
    if after.leaves:
        return f"{after.leaves} of {after.lots} lots are not filled"
    is_shrunk = (after.lots, after.ticks) == (before.filled, before.ticks)
    return None if is_shrunk else _same_order(before, after)


def nothing_filled(before: OrderFacts, after: OrderFacts) -> str | None:
    """The order ends, or begins, without a fill."""
    if after.filled:
        return f"{after.filled} lots are filled"
    return unchanged(before, after)


def ended(before: OrderFacts, after: OrderFacts) -> str | None:
    """The remainder ends. Its fills must have been applied as events before."""
    if before.leaves == 0:
        return f"all {before.lots} lots are filled"
    return unchanged(before, after)


def _same_order(before: OrderFacts, after: OrderFacts) -> str | None:
    if (before.lots, before.ticks) == (after.lots, after.ticks):
        return None
    return f"a fill cannot change {before.lots} lots at {before.ticks} to {after}"


_S, _E = OrderState, OrderEvent


def _rule(target: OrderState, guard: Guard[OrderFacts]) -> Rule[OrderState, OrderFacts]:
    return Rule(target, guard)


ORDER_TABLE: Final[Table[OrderState, OrderEvent, OrderFacts]] = Table(
    "order",
    OrderState,
    OrderEvent,
    {
        (_S.PENDING, _E.ACCEPTED): _rule(_S.PLACED, nothing_filled),
        (_S.PENDING, _E.AMENDED): _rule(_S.PENDING, resized),
        (_S.PENDING, _E.FILLED_PARTLY): _rule(_S.PARTIALLY_FILLED, filled_partly),
        (_S.PENDING, _E.FILLED): _rule(_S.FILLED, filled_whole),
        (_S.PENDING, _E.CANCELLED): _rule(_S.CANCELLED, ended),
        (_S.PENDING, _E.REJECTED): _rule(_S.REJECTED, nothing_filled),
        (_S.PENDING, _E.EXPIRED): _rule(_S.FAILED, ended),
        (_S.PENDING, _E.NOT_FOUND): _rule(_S.FAILED, ended),
        (_S.PLACED, _E.AMENDED): _rule(_S.PLACED, resized),
        (_S.PLACED, _E.FILLED_PARTLY): _rule(_S.PARTIALLY_FILLED, filled_partly),
        (_S.PLACED, _E.FILLED): _rule(_S.FILLED, filled_whole),
        (_S.PLACED, _E.CANCELLED): _rule(_S.CANCELLED, ended),
        (_S.PLACED, _E.REJECTED): _rule(_S.REJECTED, nothing_filled),  # acknowledged, then refused
        (_S.PLACED, _E.EXPIRED): _rule(_S.FAILED, ended),
        (_S.PLACED, _E.NOT_FOUND): _rule(_S.FAILED, ended),
        (_S.PARTIALLY_FILLED, _E.AMENDED): _rule(_S.PARTIALLY_FILLED, resized),
        (_S.PARTIALLY_FILLED, _E.FILLED_PARTLY): _rule(_S.PARTIALLY_FILLED, filled_partly),
        (_S.PARTIALLY_FILLED, _E.FILLED): _rule(_S.FILLED, filled_whole),
        (_S.PARTIALLY_FILLED, _E.CANCELLED): _rule(_S.CANCELLED, ended),
        (_S.PARTIALLY_FILLED, _E.EXPIRED): _rule(_S.FAILED, ended),
        (_S.PARTIALLY_FILLED, _E.NOT_FOUND): _rule(_S.FAILED, ended),
    },
)
WORKING: Final = frozenset(state for state in OrderState if not ORDER_TABLE.is_final(state))
"""The states in which an order may still trade."""


@dataclass(frozen=True, kw_only=True)
class OrderLife:
    """An order at one moment. `version` counts its transitions, for optimistic locking.

    `reported` is the number of the newest venue report that was applied.
    """

    facts: OrderFacts
    state: OrderState = OrderState.PENDING
    version: int = 0
    reported: int = 0

    @property
    def is_final(self) -> bool:
        return ORDER_TABLE.is_final(self.state)

    def after(self, event: OrderEvent, facts: OrderFacts | None = None) -> "OrderLife":
        """Return the order after an event that says `facts`; raise IllegalTransitionError."""
        new = self.facts if facts is None else facts
        state = ORDER_TABLE.target(self.state, event, self.facts, new)
        return replace(self, facts=new, state=state, version=self.version + 1)
