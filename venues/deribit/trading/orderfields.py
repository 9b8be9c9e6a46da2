"""The parameters of an order to place or to edit, in ticks and lots."""

from decimal import Decimal
from typing import Final

from exchange.accounts.submission import NewOrder
from exchange.clearing.checks import LARGEST_LOTS, LARGEST_TICKS
from exchange.clearing.orders import OrderType, TriggerBy, TriggerDirection
from exchange.engine.messages import TimeInForce
from instruments.lattice import Grid
from market.quoting import quoted
from venues.deribit import words
from venues.deribit.errors import Code, RpcError, invalid
from venues.deribit.listed import Listed, find
from venues.deribit.params import Params

LONGEST_LABEL: Final = 64
UNSERVED: Final = (
    "trigger_offset", "advanced", "mmp", "linked_order_type", "trigger_fill_condition",
    "otoco_config", "display_amount",
)  # fmt: skip


def new_order(params: Params, side: int) -> NewOrder:
    """Return the order of private/buy or private/sell; raise RpcError."""
    listed = find(params.required("instrument_name"))
    params.refuse(*UNSERVED)
    kind, gains = params.choice("type", words.TYPES, words.TYPES["limit"])
    lots = counted_amount(params, listed)
    if not lots:
        raise invalid("amount", "is missing: send amount or contracts")
    check_max_show(params, lots, listed)
    ticks = 0
    if kind is OrderType.LIMIT and not (ticks := counted_price(params, "price", listed)):
        raise invalid("price", "is missing: limit orders need one")
    trigger, by, direction = trigger_of(params, listed, side, gains)
    return NewOrder(
        instrument=listed.instrument,
        side=side,
        type=kind,
        tif=time_in_force(params, kind),
        lots=lots,
        ticks=ticks,
        trigger_ticks=trigger,
        trigger_by=by,
        trigger_direction=direction,
        reduce_only=params.flag("reduce_only"),
        label=params.text("label", longest=LONGEST_LABEL),
    )


def time_in_force(params: Params, kind: OrderType) -> TimeInForce:
    """Return how long an order rests; `post_only` orders that would trade are rejected."""
    usual = TimeInForce.IOC if kind is OrderType.MARKET else TimeInForce.GTC
    tif = params.choice("time_in_force", words.TIMES_IN_FORCE, usual)
    if kind is OrderType.MARKET:
        return tif if tif is TimeInForce.FOK else TimeInForce.IOC
    if not params.flag("post_only"):
        return tif
    if tif is not TimeInForce.GTC:
        raise invalid("post_only", "needs time_in_force good_til_cancelled")
    return TimeInForce.POST_ONLY


def trigger_of(
    params: Params, listed: Listed, side: int, gains: int
) -> tuple[int, TriggerBy, TriggerDirection]:
    """Return trigger price (0: the order is not conditional), what it watches and how it fires."""
    if not gains:
        params.refuse("trigger_price")
        return 0, TriggerBy.LAST, TriggerDirection.RISING
    name = "trigger_price" if params.has("trigger_price") else "stop_price"
    ticks = counted_price(params, name, listed, Code.TRIGGER_WRONG_TICK)
    if not ticks:
        raise invalid("trigger_price", "is missing")
    by = params.choice("trigger", words.TRIGGERS)
    return ticks, by, words.trigger_direction(side, gains)


def check_max_show(params: Params, lots: int, listed: Listed) -> None:
    """Raise RpcError for an order that would show only a part of itself."""
    shown = params.decimal("max_show")
    if shown is not None and shown != listed.lattice.quantity(lots):
        raise invalid("max_show", "must equal amount: orders that hide a part are not served")


def changes(params: Params, listed: Listed) -> dict[str, int]:
    """Return what to change of an order, in ticks and lots; raise RpcError."""
    params.refuse(*UNSERVED)
    found = {
        "lots": counted_amount(params, listed),
        "ticks": counted_price(params, "price", listed),
        "trigger_ticks": counted_price(params, "trigger_price", listed, Code.TRIGGER_WRONG_TICK),
    }
    asked = {name: count for name, count in found.items() if count}
    if not asked:
        raise invalid("amount", "nothing to change: send amount, price or trigger_price")
    return asked


def counted_amount(params: Params, listed: Listed) -> int:
    """Return `amount`, or `contracts`, in lots; 0 where both are absent; raise RpcError."""
    grid = listed.lattice.quantities
    by_contracts = None
    if params.has("contracts"):
        by_contracts = params.whole("contracts", 1, LARGEST_LOTS)
    value = params.decimal("amount")
    if value is None:
        return by_contracts or 0
    if value < grid.step:
        reason = f"{value} is less than the smallest amount, {grid.step.normalize():f}"
        code = Code.LITTLE if value > 0 else Code.AMOUNT
        raise RpcError(code, reason, "amount")
    lots = counted(value, "amount", grid, LARGEST_LOTS, Code.AMOUNT)
    if by_contracts not in (None, lots):
        raise RpcError(Code.AMOUNT, "amount and contracts differ", "contracts")
    return lots


def counted_price(
    params: Params, name: str, listed: Listed, off_grid: Code = Code.WRONG_TICK
) -> int:
    """Return a price in ticks, 0 where it is absent; raise RpcError."""
    value = params.decimal(name)
    if value is None:
        return 0
    if value <= 0:
        raise RpcError(Code.PRICE, f"{value} is not positive", name)
    return counted(value, name, listed.lattice.prices, LARGEST_TICKS, off_grid)


def counted(value: Decimal, name: str, grid: Grid, most: int, off_grid: Code) -> int:
    """Return a positive number in steps of its grid; raise RpcError."""
    largest = grid.decimal(most)
    if value > largest:
        raise RpcError(off_grid, f"{value} is more than {largest:f}", name)
    if (steps := grid.steps(value)) is None:
        reason = f"{quoted(str(value))} is no multiple of {grid.step.normalize():f}"
        raise RpcError(off_grid, reason, name)
    return steps
