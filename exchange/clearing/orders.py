"""Orders of accounts: their vocabulary, states and causes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from exchange.engine.messages import TimeInForce

FIRST_REJECTION: Final = 100
LARGEST_ID: Final = 1 << 62
"""Ids of orders are below, so that -LARGEST_ID and below is left for orders of the exchange."""


class OrderType(IntEnum):
    LIMIT = 0
    MARKET = 1
    """Takes what rests within the price band; the rest is cancelled."""


class TriggerBy(IntEnum):
    LAST = 0
    MARK = 1


class TriggerDirection(IntEnum):
    FALLING = -1
    """Fires at the trigger price or below."""
    RISING = 1
    """Fires at the trigger price or above."""


class State(IntEnum):
    PENDING = 0
    NEW = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELLED = 4
    REJECTED = 5
    UNTRIGGERED = 6
    TRIGGERED = 7
    EXPIRED = 8

    @property
    def is_final(self) -> bool:
        return not TRANSITIONS[self]

    @property
    def is_resting(self) -> bool:
        """Return whether the order rests in the book."""
        return self in (State.NEW, State.PARTIALLY_FILLED)


_AT_THE_ENGINE: Final = {State.NEW, State.PARTIALLY_FILLED, State.FILLED, State.CANCELLED}
TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.PENDING: frozenset({*_AT_THE_ENGINE, State.REJECTED, State.UNTRIGGERED}),
    State.NEW: frozenset(_AT_THE_ENGINE),
    State.PARTIALLY_FILLED: frozenset(_AT_THE_ENGINE - {State.NEW}),
    State.UNTRIGGERED: frozenset(
        {State.UNTRIGGERED, State.TRIGGERED, State.CANCELLED, State.EXPIRED}
    ),
    State.TRIGGERED: frozenset({*_AT_THE_ENGINE, State.REJECTED}),
    State.FILLED: frozenset(),
    State.CANCELLED: frozenset(),
    State.REJECTED: frozenset(),
    State.EXPIRED: frozenset(),
}
"""The states that may follow each state; an amendment keeps it."""


class Cause(IntEnum):
    """Why an order changed, or why a command was rejected (from FIRST_REJECTION on)."""

    text: str

    def __new__(cls, value: int, text: str) -> "Cause":
        member = int.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    ACCEPTED = 0, "Accepted."
    FILLED = 1, "Filled by an order that arrived later."
    AMENDED = 2, "Amended by the account."
    CANCELLED = 3, "Cancelled by the account."
    NO_LIQUIDITY = 4, "Not filled at once: no more orders rest within its price limit."
    SELF_TRADE = 5, "The remainder would have traded with an order of the same account."
    TRIGGERED = 6, "The price reached the trigger price."
    REDUCED = 7, "Made smaller, because the position that it reduces became smaller."
    POSITION_CLOSED = 8, "The position that it would have reduced is closed."
    MARGIN_CALL = 9, "Cancelled: the margin no longer suffices for opening orders."
    LIQUIDATION = 10, "The equity of the account fell below its maintenance margin."
    LEVERAGE_SET = 11, "Leverage set."
    LEVERAGE_UNCHANGED = 12, "The leverage is this already."
    MONEY_MOVED = 13, "Money was paid in or out."

    NO_BOOK = 100, "The instrument has no running order book."
    NOT_OPEN = 101, "No such order is open: it is unknown, filled or cancelled."
    INVALID_LOTS = 102, "The quantity must be positive and no larger than the largest order."
    INVALID_TICKS = 103, "A limit order needs a positive price, a market order has none."
    INVALID_TRIGGER = 104, "The trigger price must be positive; only conditional orders have one."
    PRICE_BAND = 105, "The limit price is too far beyond the mark price."
    TRIGGER_NOT_ABOVE = 106, "A rising trigger price must be above the current price."
    TRIGGER_NOT_BELOW = 107, "A falling trigger price must be below the current price."
    INSUFFICIENT_MARGIN = 108, "The available balance does not cover margin, loss and fees."
    RISK_LIMIT = 109, "The position would exceed the risk limit."
    TOO_MANY_ORDERS = 110, "The account has too many open orders in this instrument."
    WOULD_TAKE = 111, "A post-only order would have traded at once."
    NOT_FILLABLE = 112, "A fill-or-kill order could not be filled at once and as a whole."
    NOT_REDUCING = 113, "A reduce-only order must be opposite to an open position."
    COVERED = 114, "Resting reduce-only orders already cover the whole position."
    NOTHING_TO_AMEND = 115, "The amendment changes nothing."
    LOTS_BELOW_FILLED = 116, "The new quantity must exceed what is filled already."
    INVALID_LEVERAGE = 117, "The leverage must be a whole number within the allowed range."
    INVALID_AMOUNT = 118, "The amount must not be zero and must keep the sums in range."
    DUPLICATE_ORDER = 119, "An order with this id or client id is open already."
    BOOK_FULL = 120, "The order book holds as many orders as it can."
    UNSUPPORTED = 121, "The order combines options that exclude each other."
    BOOK_BEHIND = 122, "The order book is still catching up with the quotes: try again later."

    @property
    def is_rejection(self) -> bool:
        return self >= FIRST_REJECTION


@dataclass(slots=True, kw_only=True)
class Order:
    """An order of an account.

    With `close`, its lots are those of the position when it executes, and it is reduce-only;
    until then they are 0. Ids are Order.pk; those of liquidation orders are negative.
    """

    id: int
    account: int
    instrument: int
    side: int
    type: OrderType
    lots: int
    ticks: int = 0
    tif: TimeInForce = TimeInForce.GTC
    trigger_ticks: int = 0
    trigger_by: TriggerBy = TriggerBy.LAST
    trigger_direction: TriggerDirection = TriggerDirection.RISING
    reduce_only: bool = False
    close: bool = False
    client_id: str = ""
    state: State = State.PENDING
    filled: int = 0

    @property
    def leaves(self) -> int:
        """Return the lots that are not filled."""
        return self.lots - self.filled

    @property
    def reduces(self) -> bool:
        """Return whether the order must not open a position."""
        return self.reduce_only or self.close

    @property
    def rests(self) -> bool:
        """Return whether its remainder goes into the book."""
        return self.type is OrderType.LIMIT and self.tif in (TimeInForce.GTC, TimeInForce.POST_ONLY)

    def age(self) -> int:
        """Return a number that orders oldest first; orders of the exchange come last."""
        return self.id if self.id > 0 else LARGEST_ID - self.id

    def move(self, state: State) -> None:
        """Change the state; raise ValueError if that is not a legal transition."""
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"order {self.id}: {self.state.name} -> {state.name} is not legal")
        self.state = state
