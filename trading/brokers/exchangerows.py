"""Orders, changes and executions of the exchange, as brokers show them."""

from collections.abc import Mapping
from typing import Final

from exchange.accounts.listings import CAUSES
from exchange.clearing.orders import State
from exchange.models import Execution, Order, OrderEvent
from market.times import to_microseconds
from venues.brokers import ExecutionSeen, OrderReport, OrderSeen, VenueState

STATES: Final[Mapping[State, VenueState]] = {
    State.PENDING: VenueState.WORKING,
    State.NEW: VenueState.WORKING,
    State.PARTIALLY_FILLED: VenueState.WORKING,
    State.UNTRIGGERED: VenueState.WORKING,
    State.TRIGGERED: VenueState.WORKING,
    State.FILLED: VenueState.FILLED,
    State.CANCELLED: VenueState.CANCELLED,
    State.REJECTED: VenueState.REJECTED,
    State.EXPIRED: VenueState.EXPIRED,
}


def order_seen(order: Order, number: int) -> OrderSeen:
    return OrderSeen(
        client_id=order.client_id,
        venue_id=str(order.pk),
        symbol=order.instrument.symbol,
        side=order.side,
        report=OrderReport(
            number=number,
            state=STATES[State(order.state)],
            lots=order.lots,
            filled=order.filled,
            ticks=order.ticks,
        ),
        reason="" if order.cause is None else CAUSES[order.cause].text,
    )


def change_seen(row: OrderEvent, client_id: str) -> OrderSeen:
    return OrderSeen(
        client_id=client_id,
        venue_id=str(row.order),
        symbol=row.instrument.symbol,
        side=row.side,
        report=OrderReport(
            number=row.number,
            state=STATES[State(row.state)],
            lots=row.lots,
            filled=row.filled,
            ticks=row.ticks,
        ),
        reason=CAUSES[row.cause].text,
    )


def execution_seen(row: Execution, client_id: str) -> ExecutionSeen:
    return ExecutionSeen(
        number=row.number,
        venue_id=str(row.number),
        client_id=client_id,
        symbol=row.instrument.symbol,
        at=to_microseconds(row.at),
        side=row.side,
        ticks=row.ticks,
        lots=row.lots,
        is_maker=bool(row.is_maker),
        fee=row.fee,
        realised=row.realised,
    )
