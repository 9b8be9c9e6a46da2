"""Words of orders: Deribit's for ours. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from exchange.clearing.orders import Cause, OrderType, State, TriggerBy, TriggerDirection
from exchange.engine.messages import BUY, SELL, TimeInForce

DIRECTIONS: Final = {BUY: "buy", SELL: "sell", 0: "zero"}
TIMES_IN_FORCE: Final = {
    "good_til_cancelled": TimeInForce.GTC,
    "immediate_or_cancel": TimeInForce.IOC,
    "fill_or_kill": TimeInForce.FOK,
}
TIME_IN_FORCE_WORDS: Final = {
    **{each: name for name, each in TIMES_IN_FORCE.items()},
    TimeInForce.POST_ONLY: "good_til_cancelled",
}
TRIGGERS: Final = {
    "last_price": TriggerBy.LAST,
    "mark_price": TriggerBy.MARK,
    "index_price": TriggerBy.MARK,
}
"""The index is the mark: both are the price of the law."""
TRIGGER_WORDS: Final = {TriggerBy.LAST: "last_price", TriggerBy.MARK: "mark_price"}


class TypeWord(NamedTuple):
    """What `type` of an order says: `gains` is 1 if its trigger takes profit, -1 if it stops."""

    type: OrderType
    gains: int = 0


TYPES: Final[Mapping[str, TypeWord]] = {
    "limit": TypeWord(OrderType.LIMIT),
    "market": TypeWord(OrderType.MARKET),
    "stop_limit": TypeWord(OrderType.LIMIT, -1),
    "stop_market": TypeWord(OrderType.MARKET, -1),
    "take_limit": TypeWord(OrderType.LIMIT, 1),
    "take_market": TypeWord(OrderType.MARKET, 1),
}
TYPE_WORDS: Final = {each: name for name, each in TYPES.items()}
_STATES: Final = {
    State.PENDING: "open",
    State.NEW: "open",
    State.PARTIALLY_FILLED: "open",
    State.FILLED: "filled",
    State.CANCELLED: "cancelled",
    State.REJECTED: "rejected",
    State.UNTRIGGERED: "untriggered",
    State.TRIGGERED: "open",
    State.EXPIRED: "cancelled",
}
_CANCEL_REASONS: Final[Mapping[int, str]] = {
    Cause.CANCELLED: "user_request",
    Cause.SELF_TRADE: "self_trade",
    Cause.MARGIN_CALL: "liquidation",
    Cause.REDUCED: "reduce_only",
    Cause.POSITION_CLOSED: "reduce_only",
    Cause.NO_LIQUIDITY: "no_liquidity",
    Cause.NOT_FILLABLE: "no_liquidity",
}


def order_state(state: int, cause: int | None = None) -> str:
    """Return `order_state`: an order that could not be filled as a whole is cancelled."""
    if state == State.REJECTED and cause == Cause.NOT_FILLABLE:
        return "cancelled"
    return _STATES[State(state)]


def cancel_reason(state: int, cause: int | None) -> str | None:
    """Return why an order was cancelled; None of others."""
    if order_state(state, cause) != "cancelled":
        return None
    return "other" if cause is None else _CANCEL_REASONS.get(cause, "other")


def order_type(kind: int, side: int, direction: int, *, is_conditional: bool) -> str:
    """Return `order_type`; a buy order takes profit when the price falls, a sell when it rises."""
    gains = -side * direction if is_conditional else 0
    return TYPE_WORDS[TypeWord(OrderType(kind), gains)]


def trigger_direction(side: int, gains: int) -> TriggerDirection:
    """Return how the price must move for an order to be triggered."""
    return TriggerDirection(-side * gains)
