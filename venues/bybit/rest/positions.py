"""Private endpoints of positions: /v5/position."""

from dataclasses import replace
from typing import Any

from exchange.accounts import submission
from exchange.accounts.listings import Held
from exchange.accounts.statement import statement
from exchange.accounts.traders import Trader
from exchange.clearing.accounts import DEFAULT_LEVERAGE
from exchange.clearing.margin import LARGEST_LEVERAGE
from exchange.clearing.orders import Cause
from exchange.models import Order
from market.quoting import quoted
from market.times import to_microseconds
from venues.bybit.accounts.closedprofits import closed_profits
from venues.bybit.accounts.positionrows import position_row
from venues.bybit.envelopes import page
from venues.bybit.errors import BybitError, RetCode, parameter_error
from venues.bybit.fields import Fields
from venues.bybit.listed import by_key
from venues.bybit.rest.calls import Call, Result
from venues.bybit.rest.orders import category, keys_of
from venues.bybit.rest.paging import cursor, within
from venues.bybit.trading.orderfields import tradable
from venues.bybit.trading.stops import closing_orders, set_stops
from venues.bybit.trading.submitting import executed, sender
from venues.doors.days import mark_of

MOST_ORDERS = 1_000
"""Orders that one request for closed profits looks at, at most."""
CHUNK = 100


def positions(call: Call) -> Result:
    """Return open positions; of a named symbol also an empty one."""
    fields = call.fields
    fields.limit(20, 200)
    is_named = fields.has("symbol") or fields.has("settleCoin") or fields.has("baseCoin")
    if not is_named and fields.category().is_served:
        raise parameter_error("symbol or settleCoin is required")
    wanted = keys_of(fields)
    held = {each.instrument.pk: each for each in statement(call.trader.account.pk).positions}
    if fields.has("symbol"):
        rows = [held.get(key) or no_position(key) for key in wanted]
    else:
        rows = [held[key] for key in wanted if key in held and held[key].lots]
    return Result(page(shown(call.trader, rows), category=category(fields)))


def shown(trader: Trader, held: list[Held]) -> list[dict[str, Any]]:
    """Return positions of an account as rows, with what closes them."""
    opened = to_microseconds(trader.account.created_at)
    stops: dict[tuple[int, bool], int] = {}
    for order in closing_orders(trader) if any(each.lots for each in held) else ():
        gains = order.side * order.trigger_direction < 0
        stops[order.instrument_id, gains] = order.trigger_ticks
    listed = by_key()
    return [
        position_row(
            replace(each, updated_at=each.updated_at or opened),
            listed[each.instrument.pk].lattice,
            stops.get((each.instrument.pk, True), 0),
            stops.get((each.instrument.pk, False), 0),
        )
        for each in held
    ]


def no_position(key: int) -> Held:
    listed = by_key()[key]
    return Held(
        instrument=listed.instrument, lots=0, cost=0, leverage=DEFAULT_LEVERAGE,
        mark=mark_of(listed.instrument), unrealised=0, margin=0, liquidation=None, realised=0,
        fees=0, funding=0,
    )  # fmt: skip


def set_leverage(call: Call) -> Result:
    fields = call.fields
    listed = tradable(fields, fields.category())
    buy, sell = fields.required("buyLeverage"), fields.required("sellLeverage")
    if fields.decimal("buyLeverage") != fields.decimal("sellLeverage"):
        raise parameter_error(f"buyLeverage {quoted(buy)} must equal sellLeverage {quoted(sell)}")
    wanted = whole_leverage(fields)
    who = sender(call.trader)
    done = executed(lambda: submission.set_leverage(who, listed.instrument, wanted))
    if done.reason == Cause.LEVERAGE_UNCHANGED:
        raise BybitError(RetCode.LEVERAGE)
    return Result({})


def whole_leverage(fields: Fields) -> int:
    value = fields.decimal("buyLeverage")
    if value is None or not 1 <= value <= LARGEST_LEVERAGE or value != int(value):
        raise parameter_error(
            f"buyLeverage {quoted(fields.text('buyLeverage'))} must be a whole number from 1 to "
            f"{LARGEST_LEVERAGE}"
        )
    return int(value)


def switch_mode(call: Call) -> Result:
    """Answer that positions are one-way already; there are no others."""
    if call.fields.whole("mode", 0, 3) == 0:
        raise BybitError(RetCode.POSITION_MODE)
    raise parameter_error("mode: only 0, one-way, is served")


def switch_isolated(call: Call) -> Result:
    """Answer that margin is cross already; there is no other."""
    if call.fields.whole("tradeMode", 0, 1) == 0:
        raise BybitError(RetCode.MARGIN_MODE)
    raise parameter_error("tradeMode: only 0, cross margin, is served")


def trading_stop(call: Call) -> Result:
    set_stops(call.trader, call.fields)
    return Result({})


def closed_pnl(call: Call) -> Result:
    """Return what closed positions earned, an order a row, the newest order first."""
    fields, account = call.fields, call.trader.account
    limit = fields.limit(50, 100)
    filled = Order.objects.filter(account=account, instrument__in=keys_of(fields), filled__gt=0)
    orders = within(filled, fields, "updated_at")
    if fields.has("cursor"):
        orders = orders.filter(pk__lt=cursor(fields))
    rows: list[dict[str, Any]] = []
    looked_at, last = 0, ""
    while len(rows) <= limit and looked_at < MOST_ORDERS:
        chunk = list((orders.filter(pk__lt=int(last)) if last else orders).order_by("-pk")[:CHUNK])
        rows += closed_profits(account, chunk, by_key())
        looked_at += len(chunk)
        last = str(chunk[-1].pk) if len(chunk) == CHUNK else ""
        if not last:
            break
    if len(rows) > limit:
        last = rows[limit - 1]["orderId"]
    return Result(page(rows[:limit], last, category=category(fields)))
