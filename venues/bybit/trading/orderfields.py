"""The fields of an order to place or to amend, in ticks and lots."""

import re
from typing import Final

from exchange.accounts.submission import NewOrder
from exchange.clearing.checks import LARGEST_LOTS, LARGEST_TICKS
from exchange.clearing.orders import OrderType, TriggerBy, TriggerDirection
from exchange.engine.messages import TimeInForce
from instruments.lattice import Grid
from market.quoting import quoted
from venues.bybit.categories import Category
from venues.bybit.errors import BybitError, RetCode, parameter_error
from venues.bybit.fields import Fields, unserved
from venues.bybit.listed import Listed, find
from venues.bybit.symbols import SMALLEST_VALUE
from venues.bybit.trading.slippage import worst_ticks
from venues.bybit.words import DIRECTIONS, SIDES, TIMES_IN_FORCE, TRIGGERS, TYPES

LINK_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,36}", re.ASCII)
ATTACHED: Final = ("takeProfit", "stopLoss", "tpLimitPrice", "slLimitPrice")
UNSERVED: Final = (*ATTACHED, "orderIv", "mmp", "bboSideType", "bboLevel")


def tradable(fields: Fields, category: Category) -> Listed:
    """Return the instrument of an order; raise BybitError."""
    name = fields.required("symbol")
    if category is Category.SPOT:
        raise BybitError(RetCode.SPOT_SYMBOL)
    if not category.is_served:
        raise parameter_error(f"category {category.value} has no instruments here: use linear")
    return find(name)


def new_order(fields: Fields, category: Category) -> tuple[NewOrder, str]:
    """Return an order and its orderLinkId; raise BybitError."""
    listed = tradable(fields, category)
    fields.refuse(*UNSERVED)
    side, kind = fields.choice("side", SIDES), fields.choice("orderType", TYPES)
    usual = TimeInForce.IOC if kind is OrderType.MARKET else TimeInForce.GTC
    tif = fields.choice("timeInForce", TIMES_IN_FORCE, usual)
    if kind is OrderType.MARKET and tif is not TimeInForce.FOK:
        tif = TimeInForce.IOC
    check_modes(fields)
    reduces = fields.flag("reduceOnly") or fields.flag("closeOnTrigger")
    closes = reduces and fields.decimal("qty") == 0
    if kind is OrderType.LIMIT:
        ticks = required(fields, "price", listed.lattice.prices)
    elif ticks := worst_ticks(fields, listed, side):
        kind = OrderType.LIMIT
    trigger, by, direction = trigger_of(fields, listed)
    order = NewOrder(
        instrument=listed.instrument,
        side=side,
        type=kind,
        tif=tif,
        lots=0 if closes else required(fields, "qty", listed.lattice.quantities),
        ticks=ticks,
        trigger_ticks=trigger,
        trigger_by=by,
        trigger_direction=direction,
        reduce_only=reduces,
        close=closes,
    )
    check_value(order, listed)
    return order, link_id(fields)


def check_modes(fields: Fields) -> None:
    """Raise BybitError for modes of position and of self-trade prevention that do not exist."""
    if fields.has("positionIdx") and fields.text("positionIdx") != "0":
        raise parameter_error("position idx not match position mode: use 0, one-way")
    if fields.text("smpType", "CancelTaker") not in ("CancelTaker", "None"):
        raise unserved(f"smpType {fields.text('smpType')}")
    if fields.text("orderFilter", "Order") not in ("Order", "StopOrder"):
        raise unserved(f"orderFilter {fields.text('orderFilter')}")


def trigger_of(fields: Fields, listed: Listed) -> tuple[int, TriggerBy, TriggerDirection]:
    """Return trigger price (0: the order is not conditional), what it watches and how it fires."""
    ticks = counted(fields, "triggerPrice", listed.lattice.prices)
    if not ticks:
        return 0, TriggerBy.LAST, TriggerDirection.RISING
    by = fields.choice("triggerBy", TRIGGERS, TriggerBy.LAST)
    return ticks, by, fields.choice("triggerDirection", DIRECTIONS)


def check_value(order: NewOrder, listed: Listed) -> None:
    """Raise BybitError for an order of too little value."""
    if not order.ticks or order.reduce_only:
        return
    value = listed.lattice.price(order.ticks) * listed.lattice.quantity(order.lots)
    if value < SMALLEST_VALUE:
        text = f"{RetCode.SMALL_VALUE.text} {SMALLEST_VALUE}USDT"
        raise BybitError(RetCode.SMALL_VALUE, text)


def link_id(fields: Fields) -> str:
    """Return orderLinkId, "" without one; raise BybitError if it is malformed."""
    text = fields.text("orderLinkId")
    if text and not LINK_ID.fullmatch(text):
        raise parameter_error(
            f"orderLinkId {quoted(text)}: use up to 36 letters, digits, dashes and underscores"
        )
    return text


def changes(fields: Fields, listed: Listed) -> dict[str, int]:
    """Return what to change of an order, in ticks and lots; raise BybitError."""
    fields.refuse(*ATTACHED, "orderIv")
    lattice = listed.lattice
    found = {
        "lots": counted(fields, "qty", lattice.quantities),
        "ticks": counted(fields, "price", lattice.prices),
        "trigger_ticks": counted(fields, "triggerPrice", lattice.prices),
    }
    asked = {name: count for name, count in found.items() if count}
    if not asked:
        raise parameter_error("nothing to amend: send qty, price or triggerPrice")
    return asked


def required(fields: Fields, name: str, grid: Grid) -> int:
    fields.required(name)
    if not (count := counted(fields, name, grid)):
        raise invalid(name, "0", "it must be positive")
    return count


def counted(fields: Fields, name: str, grid: Grid) -> int:
    """Return a number in steps of its grid, 0 where it is absent or 0; raise BybitError."""
    value = fields.decimal(name)
    if not value:
        return 0
    largest = grid.decimal(LARGEST_LOTS if name == "qty" else LARGEST_TICKS)
    if not 0 < value <= largest:
        raise invalid(name, fields.text(name), f"use more than 0 and at most {largest:f}")
    if (steps := grid.steps(value)) is None:
        raise invalid(
            name, fields.text(name), f"it must be a multiple of {grid.step.normalize():f}"
        )
    return steps


def invalid(name: str, text: str, reason: str) -> BybitError:
    return BybitError(RetCode.PARAMETER, f"{name.capitalize()} invalid: {quoted(text)}: {reason}")
