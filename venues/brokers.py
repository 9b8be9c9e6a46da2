"""The interface between bots and accounts at a venue.

Prices are in ticks, quantities in lots, money in exchange.kinds.MONEY_UNITS.

A client id identifies an order for good: placing the same order again under the same id never
creates a second one, and returns what became of the first. After an UnknownOutcomeError or a
restart, a bot therefore asks for the order, or places it again.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, Self


class Style(IntEnum):
    POST_ONLY = 0
    LIMIT = 1
    """Takes what rests at its price or better, and the remainder waits."""
    MARKET = 2


class VenueState(IntEnum):
    """What a venue says of an order; brokers translate their venue's names into these."""

    WORKING = 0
    FILLED = 1
    CANCELLED = 2
    REJECTED = 3
    EXPIRED = 4
    UNKNOWN = 5
    """The venue has no such order."""


@dataclass(frozen=True, kw_only=True)
class OrderReport:
    """An order as a venue describes it. Of an UNKNOWN one, only the state counts.

    `number` rises with each change of the order: a venue's sequence, or its time of the change.
    """

    number: int
    state: VenueState
    lots: int = 0
    filled: int = 0
    ticks: int = 0


class BrokerError(Exception):
    """A broker did not do what was asked; the text says why."""


class NotSentError(BrokerError):
    """The request was not sent, or the venue provably stored nothing: try again later."""


class RefusedError(BrokerError):
    """The venue refused the request, and will refuse it again."""


class UnknownOutcomeError(BrokerError):
    """The request may have been executed or not, or may be executed yet: ask for the order."""


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """An order to send. `ticks` is 0 for market orders."""

    client_id: str
    symbol: str
    side: int
    style: Style
    lots: int
    ticks: int = 0
    reduce_only: bool = False


@dataclass(frozen=True, kw_only=True)
class OrderSeen:
    """An order as the venue has it. Of one that it does not have, `report` says UNKNOWN."""

    client_id: str
    report: OrderReport
    venue_id: str = ""
    symbol: str = ""
    side: int = 0
    reason: str = ""
    """Why it changed last, in the words of the venue."""

    @classmethod
    def unknown(cls, client_id: str, number: int) -> Self:
        """Return an order that the venue does not have."""
        return cls(client_id=client_id, report=OrderReport(number=number, state=VenueState.UNKNOWN))

    @classmethod
    def rejected(cls, order: Instruction, number: int, reason: str) -> Self:
        """Return an order that the venue did not take, and does not show."""
        report = OrderReport(
            number=number, state=VenueState.REJECTED, lots=order.lots, ticks=order.ticks
        )
        return cls(
            client_id=order.client_id,
            symbol=order.symbol,
            side=order.side,
            report=report,
            reason=reason,
        )


@dataclass(frozen=True, kw_only=True)
class ExecutionSeen:
    """A fill of an order. `number` rises from fill to fill of an account."""

    number: int
    venue_id: str
    client_id: str
    symbol: str
    at: int
    """Microseconds since 1970 UTC, by the clock of the venue."""
    side: int
    ticks: int
    lots: int
    is_maker: bool
    fee: int
    realised: int
    """What the venue booked as realised profit; 0 where it does not say."""


@dataclass(frozen=True, kw_only=True)
class PositionSeen:
    """What the venue says is held: lots, negative if short, and what they cost at entry."""

    symbol: str
    lots: int
    cost: int
    mark: int
    realised: int
    fees: int
    funding: int


@dataclass(frozen=True, kw_only=True)
class PaymentSeen:
    """Funding that a venue paid on a position; negative: charged."""

    venue_id: str
    symbol: str
    at: int
    """Microseconds since 1970 UTC, by the clock of the venue."""
    amount: int


@dataclass(frozen=True, kw_only=True)
class Balance:
    """The money of an account. `equity` includes unrealised profit, `available` is not tied up."""

    balance: int
    equity: int
    available: int


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """How far a bot has followed an account: the numbers of the newest changes it knows."""

    orders: int = 0
    executions: int = 0


class Broker(Protocol):
    """An account at a venue. Every method may raise BrokerError."""

    @property
    def name(self) -> str:
        """Return the name under which bots are configured for it."""

    async def place(self, order: Instruction) -> OrderSeen:
        """Send an order and return what the venue made of it, a rejection as well."""

    async def amend(self, client_id: str, *, lots: int, ticks: int) -> OrderSeen:
        """Change size (in total) and limit; an order that has ended is returned as it is."""

    async def cancel(self, client_id: str) -> OrderSeen:
        """Cancel an order; one that has ended is returned as it is."""

    async def cancel_all(self, symbol: str = "") -> None:
        """Cancel the open orders in an instrument, or all."""

    async def order(self, client_id: str) -> OrderSeen:
        """Return an order, open or ended."""

    async def open_orders(self) -> Sequence[OrderSeen]:
        """Return all open orders of the account, also those that no bot knows."""

    async def executions(self, since: int) -> Sequence[ExecutionSeen]:
        """Return the executions after a number, oldest first."""

    async def positions(self) -> Sequence[PositionSeen]:
        """Return the positions."""

    async def payments(self, since: int) -> Sequence[PaymentSeen] | None:
        """Return the funding of a moment (microseconds) and later; some may be older.

        None: the venue does not list payments, and its positions state their sum.
        """

    async def balance(self) -> Balance:
        """Return the balance of the account."""

    def changes(self, since: Cursor) -> AsyncIterator[OrderSeen | ExecutionSeen]:
        """Follow the account: what came after `since`, then what comes, without a hole.

        Each execution comes before the first order that includes it.
        """
