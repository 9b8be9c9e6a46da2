"""Orders in request bodies: parsed, checked, in ticks and lots."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from rest_framework.exceptions import ValidationError

from exchange.accounts.instruments import books
from exchange.accounts.submission import NewOrder
from exchange.clearing.checks import LARGEST_LOTS, LARGEST_TICKS
from exchange.clearing.margin import LARGEST_LEVERAGE
from exchange.clearing.orders import OrderType, TriggerBy, TriggerDirection
from exchange.engine.messages import BUY, SELL, TimeInForce
from instruments.lattice import Grid, OffLatticeError
from instruments.models import Instrument
from web.bodies import Body, shown
from web.views import unknown_instrument

LONGEST_CLIENT_ID: Final = 64
SIDES: Final = {"buy": BUY, "sell": SELL}
TYPES: Final = {each.name.lower(): each for each in OrderType}
TIMES_IN_FORCE: Final = {each.name.lower(): each for each in TimeInForce}
TRIGGERS: Final = {each.name.lower(): each for each in TriggerBy}
DIRECTIONS: Final = {each.name.lower(): each for each in TriggerDirection}
NEW_FIELDS: Final = (
    "symbol", "side", "type", "quantity", "price", "time_in_force", "client_id", "reduce_only",
    "trigger_price", "trigger_by", "trigger_direction",
)  # fmt: skip
CHANGES: Final = ("quantity", "price", "trigger_price")
TEXT: Final = {"type": "string", "maxLength": LONGEST_CLIENT_ID, "minLength": 1}
DECIMAL: Final = {
    "oneOf": [{"type": "number"}, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}],
    "description": "A number or, so that no software rounds it, a text.",
}


def one_of(words: Mapping[str, Any], description: str = "") -> dict[str, Any]:
    return {"type": "string", "enum": list(words), "description": description}


NEW_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["symbol", "side", "type", "quantity"],
    "additionalProperties": False,
    "properties": {
        "symbol": {"type": "string"},
        "side": one_of(SIDES),
        "type": one_of(TYPES),
        "quantity": DECIMAL,
        "price": {**DECIMAL, "description": "Of limit orders."},
        "time_in_force": one_of(TIMES_IN_FORCE, "Default: gtc; of market orders: ioc."),
        "client_id": TEXT,
        "reduce_only": {"type": "boolean", "default": False},
        "trigger_price": {**DECIMAL, "description": "Makes the order conditional."},
        "trigger_by": one_of(TRIGGERS, "Default: last."),
        "trigger_direction": one_of(
            DIRECTIONS, "Default: rising to buy and falling to sell, as stop orders do."
        ),
    },
}
CHANGE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {"quantity": {**DECIMAL, "description": "In total."},
                   "price": DECIMAL, "trigger_price": DECIMAL},
}  # fmt: skip
LEVERAGE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["leverage"],
    "additionalProperties": False,
    "properties": {"leverage": {"type": "integer", "minimum": 1, "maximum": LARGEST_LEVERAGE}},
}


def new_order(data: Any) -> tuple[NewOrder, str]:
    """Return the order in a body, and its client id; raise ValidationError, NotFound."""
    body = Body(data, NEW_FIELDS)
    side, kind = body.choice("side", SIDES), body.choice("type", TYPES)
    by = body.choice("trigger_by", TRIGGERS, TriggerBy.LAST)
    usual = TriggerDirection.RISING if side == BUY else TriggerDirection.FALLING
    direction = body.choice("trigger_direction", DIRECTIONS, usual)
    usual_tif = TimeInForce.IOC if kind is OrderType.MARKET else TimeInForce.GTC
    tif = body.choice("time_in_force", TIMES_IN_FORCE, usual_tif)
    reduce_only, client_id = body.flag("reduce_only"), body.text("client_id", LONGEST_CLIENT_ID)
    symbol = body.text("symbol", 32)
    if not symbol:
        body.refuse("symbol", "is missing: name an instrument with an order book, e.g. ES")
    check_combination(body, kind, tif)
    body.check()
    instrument = tradable(symbol)
    lots = counted(body, "quantity", instrument.lattice.quantities, LARGEST_LOTS)
    ticks = counted(body, "price", instrument.lattice.prices, LARGEST_TICKS)
    trigger = counted(body, "trigger_price", instrument.lattice.prices, LARGEST_TICKS)
    body.check()
    assert side is not None and kind is not None and tif is not None  # noqa: S101, PT018  # checked
    assert by is not None and direction is not None  # noqa: S101, PT018
    order = NewOrder(
        instrument=instrument,
        side=side,
        type=kind,
        tif=tif,
        lots=lots,
        ticks=ticks,
        trigger_ticks=trigger,
        trigger_by=by,
        trigger_direction=direction,
        reduce_only=reduce_only,
    )
    return order, client_id


def check_combination(body: Body, kind: OrderType | None, tif: TimeInForce | None) -> None:
    """Note which fields are missing, or exclude each other."""
    if not body.has("quantity"):
        body.refuse("quantity", "is missing: how much to trade")
    if kind is OrderType.LIMIT and not body.has("price"):
        body.refuse("price", "is missing: a limit order needs one")
    if kind is OrderType.MARKET:
        if body.has("price"):
            body.refuse("price", "a market order has none: leave it out, or use type limit")
        if tif not in (TimeInForce.IOC, TimeInForce.FOK):
            body.refuse("time_in_force", "a market order never rests: use ioc or fok")
    if not body.has("trigger_price"):
        for name in ("trigger_by", "trigger_direction"):
            if body.has(name):
                body.refuse(name, "needs a trigger_price beside it")


def changes(data: Any, instrument: Instrument) -> dict[str, int]:
    """Return what to change of an order, in ticks and lots; raise ValidationError."""
    body = Body(data, CHANGES)
    lattice = instrument.lattice
    fields = (
        ("quantity", "lots", lattice.quantities, LARGEST_LOTS),
        ("price", "ticks", lattice.prices, LARGEST_TICKS),
        ("trigger_price", "trigger_ticks", lattice.prices, LARGEST_TICKS),
    )
    found = {
        field: counted(body, name, grid, largest)
        for name, field, grid, largest in fields
        if body.has(name)
    }
    body.check()
    if not found:
        raise ValidationError(f"nothing to change: send one of {', '.join(CHANGES)}")
    return found


def leverage(data: Any) -> int:
    body = Body(data, ("leverage",))
    found = body.whole("leverage", 1, LARGEST_LEVERAGE)
    body.check()
    return found


def counted(body: Body, name: str, grid: Grid, largest: int) -> int:
    """Return a decimal as a number of steps of its grid, 0 where it is absent or wrong."""
    value = body.decimal(name)
    if value is None:
        return 0
    most = grid.decimal(largest)
    if value > most:
        body.refuse(name, f"{shown(value)} is too large: at most {most:f}")
        return 0
    try:
        return count(grid, value)
    except OffLatticeError as error:
        body.refuse(name, str(error))
        return 0


def count(grid: Grid, value: Decimal) -> int:
    """Return a positive decimal in steps; raise OffLatticeError."""
    if value <= 0:
        raise OffLatticeError(f"{shown(value)} is not positive")
    if (steps := grid.steps(value)) is None:
        raise OffLatticeError(f"{shown(value)} is not a multiple of {grid.step.normalize():f}")
    return steps


def tradable(symbol: str) -> Instrument:
    """Return an instrument with a book; raise NotFound, or ValidationError where it has none."""
    if (known := books().get(symbol)) is not None:
        return known
    instrument = Instrument.objects.filter(symbol=symbol).first()
    if instrument is None:
        raise unknown_instrument(symbol)
    if not instrument.has_book:
        names = ", ".join(books())
        raise ValidationError({"symbol": [f"{symbol} has no order book; these have one: {names}"]})
    return instrument
