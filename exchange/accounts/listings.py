"""Orders, order events, executions, positions and the ledger as clients see them."""

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery

from archive.listings import FLAG, INTEGER, NUMBER, TEXT, TIME, Cell, Listing
from exchange.accounts.amounts import average, average_cost, money, price
from exchange.clearing.ledger import LedgerCause
from exchange.clearing.orders import Cause, OrderType, State, TriggerBy, TriggerDirection
from exchange.engine.messages import BUY, SELL, TimeInForce
from exchange.models import Execution, LedgerEntry, Order, OrderEvent
from instruments.models import Instrument
from market.times import to_microseconds

SIDES: Final = {BUY: "buy", SELL: "sell"}


def word(value: State | Cause | OrderType | TimeInForce | TriggerBy | TriggerDirection) -> str:
    return value.name.lower()


CAUSES: Final = {int(cause): cause for cause in Cause}


def reason(cause: int | None) -> str | None:
    return None if cause is None else word(CAUSES[cause])


ORDER_CELLS: Final = (
    Cell("id", INTEGER, "Negative: an order of the exchange, which liquidates a position."),
    Cell("client_id", TEXT),
    Cell("symbol", TEXT),
    Cell("side", TEXT, "buy or sell."),
    Cell("type", TEXT, "limit or market."),
    Cell("time_in_force", TEXT, "gtc, ioc, fok or post_only."),
    Cell("price", NUMBER),
    Cell("quantity", NUMBER),
    Cell("filled", NUMBER, "Quantity that traded."),
    Cell("average_price", NUMBER, "Of what traded."),
    Cell("trigger_price", NUMBER),
    Cell("trigger_by", TEXT, "last or mark."),
    Cell("trigger_direction", TEXT, "rising or falling."),
    Cell("reduce_only", FLAG),
    Cell("state", TEXT, ", ".join(word(state) for state in State) + "."),
    Cell("reason", TEXT, "Why it last changed."),
    Cell("created_at", TIME, "When it was received, epoch ms."),
    Cell("updated_at", TIME, "Market time of the last change, epoch ms."),
)


@dataclass(frozen=True)
class Status:
    """What changes of an order."""

    state: int
    cause: int | None
    ticks: int
    trigger_ticks: int
    lots: int
    filled: int
    value: int
    at: int

    @classmethod
    def of(cls, order: Order) -> "Status":
        return cls(
            order.state,
            order.cause,
            order.ticks,
            order.trigger_ticks,
            order.lots,
            order.filled,
            order.value,
            to_microseconds(order.updated_at),
        )


def order_values(order: Order, status: Status | None = None) -> tuple[Any, ...]:
    """Return the values of ORDER_CELLS, as the order is now or was at a `status`."""
    now, lattice = status or Status.of(order), order.instrument.lattice
    is_conditional = bool(now.trigger_ticks)
    return (
        order.pk,
        order.client_id or None,
        order.instrument.symbol,
        SIDES[order.side],
        word(OrderType(order.type)),
        word(TimeInForce(order.tif)),
        price(lattice, now.ticks),
        lattice.quantity(now.lots),
        lattice.quantity(now.filled),
        average(lattice, now.value, now.filled),
        price(lattice, now.trigger_ticks),
        word(TriggerBy(order.trigger_by)) if is_conditional else None,
        word(TriggerDirection(order.trigger_direction)) if is_conditional else None,
        order.reduce_only or order.close,
        word(State(now.state)),
        reason(now.cause),
        to_microseconds(order.created_at),
        now.at,
    )


ORDERS: Final[Listing[Order]] = Listing("orders", ORDER_CELLS, order_values)


def execution_values(row: Execution) -> tuple[Any, ...]:
    lattice = row.instrument.lattice
    return (
        row.number,
        to_microseconds(row.at),
        row.order,
        row.instrument.symbol,
        SIDES[row.side],
        lattice.price(row.ticks),
        lattice.quantity(row.lots),
        "maker" if row.is_maker else "taker",
        money(row.fee),
        money(row.realised),
        row.trade_seq,
    )


EXECUTIONS: Final[Listing[Execution]] = Listing(
    "executions",
    (
        Cell("seq", INTEGER, "Counts the executions of the account: 1, 2, 3 ..."),
        Cell("at", TIME, "epoch ms"),
        Cell("order", INTEGER),
        Cell("symbol", TEXT),
        Cell("side", TEXT),
        Cell("price", NUMBER),
        Cell("quantity", NUMBER),
        Cell("liquidity", TEXT, "maker or taker."),
        Cell("fee", NUMBER, "Positive: paid."),
        Cell("realised", NUMBER, "Profit of what it closed."),
        Cell("trade_seq", INTEGER, "Seq of the trade in the instrument's trades."),
    ),
    execution_values,
    key="number",
)


def with_client_ids(events: "QuerySet[OrderEvent]") -> "QuerySet[OrderEvent]":
    """Return events with what `event_values` needs."""
    orders = Order.objects.filter(pk=OuterRef("order"))
    return events.select_related("instrument").annotate(
        client_id=Subquery(orders.values("client_id")[:1])
    )


def event_values(row: Any) -> tuple[Any, ...]:
    lattice = row.instrument.lattice
    return (
        row.number,
        to_microseconds(row.at),
        row.order or None,
        row.client_id or None,
        row.instrument.symbol,
        word(State(row.state)) if row.order else None,
        reason(row.cause),
        SIDES.get(row.side),
        price(lattice, row.ticks),
        lattice.quantity(row.lots) if row.order else None,
        lattice.quantity(row.filled) if row.order else None,
        price(lattice, row.trigger_ticks),
    )


EVENTS: Final[Listing[OrderEvent]] = Listing(
    "order_events",
    (
        Cell("seq", INTEGER, "Counts the events of the account: 1, 2, 3 ..."),
        Cell("at", TIME, "epoch ms"),
        Cell("order", INTEGER, "null: the answer to a command that concerns no single order."),
        Cell("client_id", TEXT),
        Cell("symbol", TEXT),
        Cell("state", TEXT),
        Cell("reason", TEXT),
        Cell("side", TEXT),
        Cell("price", NUMBER),
        Cell("quantity", NUMBER),
        Cell("filled", NUMBER),
        Cell("trigger_price", NUMBER),
    ),
    event_values,
    key="number",
)


def ledger_values(row: LedgerEntry) -> tuple[Any, ...]:
    return (
        row.pk,
        to_microseconds(row.at),
        LedgerCause(row.cause).name.lower(),
        money(row.amount),
        None if row.instrument is None else row.instrument.symbol,
    )


LEDGER: Final[Listing[LedgerEntry]] = Listing(
    "ledger",
    (
        Cell("id", INTEGER),
        Cell("at", TIME, "epoch ms"),
        Cell("cause", TEXT, ", ".join(cause.name.lower() for cause in LedgerCause) + "."),
        Cell("amount", NUMBER),
        Cell("symbol", TEXT),
    ),
    ledger_values,
)


@dataclass(frozen=True)
class Held:
    """A position at the present mark; None for what does not exist without one."""

    instrument: Instrument
    lots: int
    cost: int
    leverage: int
    mark: int
    unrealised: int
    margin: int
    liquidation: int | None
    realised: int
    fees: int
    funding: int
    updated_at: int = 0
    """Market time of the last execution or funding, in microseconds; 0 if there was none."""


def held_values(held: Held) -> tuple[Any, ...]:
    lattice = held.instrument.lattice
    return (
        held.instrument.symbol,
        "buy" if held.lots > 0 else "sell" if held.lots else None,
        lattice.quantity(held.lots),
        average_cost(lattice, held.cost, held.lots),
        price(lattice, held.mark),
        money(held.unrealised),
        held.leverage,
        money(held.margin),
        price(lattice, held.liquidation or 0),
        money(held.realised),
        money(held.fees),
        money(held.funding),
    )


POSITIONS: Final[Listing[Any]] = Listing(
    "positions",
    (
        Cell("symbol", TEXT),
        Cell("side", TEXT, "null: there was a position, or a leverage was chosen."),
        Cell("quantity", NUMBER, "Negative if short."),
        Cell("entry_price", NUMBER),
        Cell("mark_price", NUMBER, "The newest quote."),
        Cell("unrealised", NUMBER, "Profit at the mark price."),
        Cell("leverage", INTEGER),
        Cell("margin", NUMBER, "Below this, in sum, the account is liquidated."),
        Cell("liquidation_price", NUMBER, "If no other price moved."),
        Cell("realised", NUMBER),
        Cell("fees", NUMBER),
        Cell("funding", NUMBER),
    ),
    held_values,
)
