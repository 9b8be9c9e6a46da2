"""Take profit and stop loss of a position: conditional orders that close it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from exchange.accounts import submission
from exchange.accounts.submission import NewOrder, Sender
from exchange.accounts.traders import Trader
from exchange.clearing.orders import OrderType, State, TriggerBy, TriggerDirection
from exchange.engine.messages import TimeInForce
from exchange.models import Command, Order, Position
from venues.bybit.errors import BybitError, RetCode, parameter_error
from venues.bybit.fields import Fields
from venues.bybit.listed import Listed
from venues.bybit.trading.orderfields import counted, tradable
from venues.bybit.trading.submitting import refused, sender, submitted
from venues.bybit.words import TRIGGERS
from venues.doors.commands import all_answered

UNSERVED: Final = ("trailingStop", "activePrice", "tpSize", "slSize", "tpLimitPrice",
                   "slLimitPrice")  # fmt: skip
STOPS: Final = {"takeProfit": 1, "stopLoss": -1}
"""Field -> 1 if it triggers in favour of the position."""


def set_stops(trader: Trader, fields: Fields) -> None:
    """Set, move or (by 0) remove take profit and stop loss of a position; raise BybitError."""
    listed = tradable(fields, fields.category())
    fields.refuse(*UNSERVED)
    if fields.text("tpslMode", "Full") != "Full":
        raise parameter_error("tpslMode: only Full is served, for the whole position")
    given = {name: counted(fields, name, listed.lattice.prices)
             for name in STOPS if fields.has(name)}  # fmt: skip
    if not given:
        raise parameter_error("send takeProfit or stopLoss")
    held = Position.objects.filter(account=trader.account, instrument=listed.key).first()
    if held is None or not held.lots:
        raise parameter_error("can not set tp/sl/ts for zero position")
    side = -1 if held.lots > 0 else 1
    change(trader, listed, side, given, fields)


def change(
    trader: Trader, listed: Listed, side: int, given: Mapping[str, int], fields: Fields
) -> None:
    """Replace the orders that close a position; those that there are stay until others wait."""
    present = closing_orders(trader, listed.key)
    directions = {name: TriggerDirection(-side * STOPS[name]) for name in given}
    new = [
        partial(
            submission.place,
            new=closing(listed, side, ticks, watched(fields, name), directions[name]),
        )
        for name, ticks in given.items()
        if ticks
    ]
    old = [
        partial(submission.cancel, order=order)
        for order in present
        if order.trigger_direction in directions.values()
    ]
    run(trader, new, is_signed=True)
    run(trader, old, is_signed=not new)


def run(
    trader: Trader, requests: Sequence[Callable[[Sender], Command]], *, is_signed: bool
) -> None:
    """Execute commands; raise BybitError if one is rejected, except for orders that have ended."""
    commands: list[Command] = []
    with submission.together():
        for request in requests:
            who = sender(trader, is_first=is_signed and not commands)
            commands.append(submitted(partial(request, who)))
    for command in all_answered(commands):
        if (error := refused(command)) is not None and error.code is not RetCode.NO_ORDER:
            raise BybitError(RetCode.PARAMETER, error.text)


def watched(fields: Fields, name: str) -> TriggerBy:
    """Return which price triggers takeProfit or stopLoss."""
    return fields.choice({"takeProfit": "tpTriggerBy", "stopLoss": "slTriggerBy"}[name], TRIGGERS,
                         TriggerBy.LAST)  # fmt: skip


def closing(
    listed: Listed, side: int, ticks: int, by: TriggerBy, direction: TriggerDirection
) -> NewOrder:
    return NewOrder(
        instrument=listed.instrument,
        side=side,
        type=OrderType.MARKET,
        tif=TimeInForce.IOC,
        lots=0,
        trigger_ticks=ticks,
        trigger_by=by,
        trigger_direction=direction,
        reduce_only=True,
        close=True,
    )


def closing_orders(trader: Trader, instrument_id: int | None = None) -> Sequence[Order]:
    """Return the waiting orders that close a position, of one or of all instruments."""
    waiting = Order.objects.filter(
        account=trader.account, close=True, trigger_ticks__gt=0, state=State.UNTRIGGERED
    )
    return list(waiting if instrument_id is None else waiting.filter(instrument=instrument_id))
