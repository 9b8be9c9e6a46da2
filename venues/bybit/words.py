"""Words of orders: Bybit's for ours. Pure."""

from collections.abc import Mapping
from typing import Final

from exchange.clearing.orders import (
    Cause,
    OrderType,
    State,
    TriggerBy,
    TriggerDirection,
)
from exchange.engine.messages import BUY, SELL, TimeInForce

SIDES: Final[Mapping[str, int]] = {"Buy": BUY, "Sell": SELL}
SIDE_WORDS: Final = {BUY: "Buy", SELL: "Sell", 0: ""}
TYPES: Final = {"Limit": OrderType.LIMIT, "Market": OrderType.MARKET}
TYPE_WORDS: Final = {each: name for name, each in TYPES.items()}
TIMES_IN_FORCE: Final = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "PostOnly": TimeInForce.POST_ONLY,
}
TIME_IN_FORCE_WORDS: Final = {each: name for name, each in TIMES_IN_FORCE.items()}
TRIGGERS: Final = {
    "LastPrice": TriggerBy.LAST,
    "MarkPrice": TriggerBy.MARK,
    "IndexPrice": TriggerBy.MARK,
}
"""The index is the mark: both are the price of the law."""
TRIGGER_WORDS: Final = {TriggerBy.LAST: "LastPrice", TriggerBy.MARK: "MarkPrice"}
DIRECTIONS: Final = {"1": TriggerDirection.RISING, "2": TriggerDirection.FALLING}
DIRECTION_NUMBERS: Final = {TriggerDirection.RISING: 1, TriggerDirection.FALLING: 2}
_STATUSES: Final = {
    State.PENDING: "New",
    State.NEW: "New",
    State.PARTIALLY_FILLED: "PartiallyFilled",
    State.FILLED: "Filled",
    State.CANCELLED: "Cancelled",
    State.REJECTED: "Rejected",
    State.UNTRIGGERED: "Untriggered",
    State.TRIGGERED: "Triggered",
    State.EXPIRED: "Deactivated",
}
STATES: Final[Mapping[str, tuple[State, ...]]] = {
    "New": (State.PENDING, State.NEW),
    "PartiallyFilled": (State.PARTIALLY_FILLED,),
    "Filled": (State.FILLED,),
    "Cancelled": (State.CANCELLED, State.REJECTED),
    "PartiallyFilledCanceled": (),
    "Rejected": (State.REJECTED,),
    "Untriggered": (State.UNTRIGGERED,),
    "Triggered": (State.TRIGGERED,),
    "Deactivated": (State.EXPIRED, State.CANCELLED),
    "Created": (),
    "Active": (),
}
"""States that an order with a status may have; `status` decides."""
REFUSED_BY_BOOK: Final[Mapping[int, str]] = {
    Cause.WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
    Cause.NOT_FILLABLE: "EC_NoEnoughQtyToFill",
    Cause.NO_LIQUIDITY: "EC_NoImmediateQtyToFill",
}
CANCEL_TYPES: Final[Mapping[int, str]] = {
    Cause.CANCELLED: "CancelByUser",
    Cause.SELF_TRADE: "CancelBySmp",
    Cause.REDUCED: "CancelByReduceOnly",
    Cause.POSITION_CLOSED: "CancelByTpSlTsClear",
    Cause.MARGIN_CALL: "CancelByPrepareLiq",
}


CANCELLED_BY_ACCOUNT: Final = int(Cause.CANCELLED)
NO_CAUSE: Final = -1
"""Of an order that the desk has not seen yet."""


def status(state: int, cause: int, *, was_conditional: bool, filled: int) -> str:
    """Return `orderStatus`.

    An order that the book refused was acknowledged, so it is Cancelled with a reason. A conditional
    order that was cancelled without a fill is Deactivated.
    """
    if state == State.REJECTED and cause in REFUSED_BY_BOOK:
        return "Cancelled"
    if (
        state == State.CANCELLED
        and was_conditional
        and not filled
        and cause == CANCELLED_BY_ACCOUNT
    ):
        return "Deactivated"
    return _STATUSES[State(state)]


def reject_reason(state: int, cause: int) -> str:
    """Return `rejectReason`."""
    if state in (State.REJECTED, State.CANCELLED) and cause in REFUSED_BY_BOOK:
        return REFUSED_BY_BOOK[cause]
    return "EC_Others" if state == State.REJECTED else "EC_NoError"


def cancel_type(state: int, cause: int) -> str:
    """Return `cancelType`."""
    if state in (State.CANCELLED, State.EXPIRED):
        return CANCEL_TYPES.get(cause, "UNKNOWN")
    return "UNKNOWN"


def stop_order_type(side: int, direction: int, *, is_conditional: bool, closes: bool) -> str:
    """Return `stopOrderType`: of orders that close the position, which way they do."""
    if not is_conditional:
        return ""
    if not closes:
        return "Stop"
    return "TakeProfit" if side * direction < 0 else "StopLoss"
