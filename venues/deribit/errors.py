"""Error codes of Deribit, and those that stand for our reasons of a rejection. Pure."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final, TypedDict

from exchange.clearing.orders import Cause


class Code(IntEnum):
    """`code` of an error; `text` is its `message`."""

    text: str

    def __new__(cls, value: int, text: str) -> "Code":
        member = int.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    UNPARSED = -32700, "Parse error"
    INVALID_REQUEST = -32600, "Invalid Request"
    NO_METHOD = -32601, "Method not found"
    INVALID_PARAMS = -32602, "Invalid params"
    AUTHORIZATION_REQUIRED = 10000, "authorization_required"
    ERROR = 10001, "error"
    LITTLE = 10002, "qty_too_low"
    NO_ORDER = 10004, "order_not_found"
    PRICE_TOO_LOW = 10005, "price_too_low"
    PRICE_TOO_HIGH = 10007, "price_too_high"
    FUNDS = 10009, "not_enough_funds"
    ALREADY_CLOSED = 10010, "already_closed"
    BOOK_CLOSED = 10012, "book_closed"
    TOO_MANY_ORDERS = 10014, "pme_max_future_open_orders"
    POSITION_LIMIT = 10018, "non_pme_max_future_position_size"
    INSTRUMENT = 10020, "invalid_or_unsupported_instrument"
    AMOUNT = 10021, "invalid_amount"
    PRICE = 10023, "invalid_price"
    ORDER_ID = 10025, "invalid_order_id"
    TOO_MANY_REQUESTS = 10028, "too_many_requests"
    NOT_OWNER = 10029, "not_owner_of_order"
    WEBSOCKET_ONLY = 10030, "must_be_websocket_request"
    UNSERVED = 10033, "not_implemented"
    TRIGGER_HIGH = 10034, "stop_price_too_high"
    TRIGGER_LOW = 10035, "stop_price_too_low"
    RETRY = 10040, "retry"
    SETTLEMENT = 10041, "settlement_in_progress"
    WRONG_TICK = 10043, "price_wrong_tick"
    TRIGGER_WRONG_TICK = 10044, "stop_price_wrong_tick"
    QUEUE_FULL = 10047, "matching_engine_queue_full"
    ALREADY_FILLED = 11008, "already_filled"
    ARGUMENTS = 11029, "invalid_arguments"
    REJECTED = 11030, "other_reject"
    NOT_OPEN = 11044, "not_open_order"
    BAD_REQUEST = 11050, "bad_request"
    MAINTENANCE = 11051, "system_maintenance"
    POST_ONLY = 11054, "post_only_reject"
    CREDENTIALS = 13004, "invalid_credentials"
    UNAUTHORIZED = 13009, "unauthorized"
    SUBSCRIPTION = 13017, "subscription_failed"
    NOT_FOUND = 13020, "not_found"
    FORBIDDEN = 13021, "forbidden"
    RAW_NEEDS_LOGIN = 13778, "raw_subscriptions_not_available_for_unauthorized"
    TIMED_OUT = 13888, "timed_out"


class ErrorMember(TypedDict, total=False):
    """`error` of an answer."""

    code: int
    message: str
    data: Mapping[str, Any]


class RpcError(Exception):
    """A request is refused with a code of Deribit; `reason` and `param` are for the client."""

    def __init__(self, code: Code, reason: str = "", param: str = "") -> None:
        super().__init__(reason or code.text)
        self.code = code
        self.reason = reason
        self.param = param

    def as_json(self) -> ErrorMember:
        """Return the error as clients get it; `data` is there if there is more to say."""
        data = {"reason": self.reason, "param": self.param}
        told = {name: text for name, text in data.items() if text}
        error: ErrorMember = {"code": self.code.value, "message": self.code.text}
        return {**error, "data": told} if told else error


def invalid(param: str, reason: str) -> RpcError:
    """Return the error of a parameter that is missing, malformed or not served."""
    return RpcError(Code.INVALID_PARAMS, reason, param)


REJECTIONS: Final[Mapping[Cause, Code]] = {
    Cause.NO_BOOK: Code.BOOK_CLOSED,
    Cause.NOT_OPEN: Code.NOT_OPEN,
    Cause.INVALID_LOTS: Code.AMOUNT,
    Cause.INVALID_TICKS: Code.PRICE,
    Cause.INVALID_TRIGGER: Code.ARGUMENTS,
    Cause.PRICE_BAND: Code.PRICE_TOO_HIGH,
    Cause.TRIGGER_NOT_ABOVE: Code.TRIGGER_LOW,
    Cause.TRIGGER_NOT_BELOW: Code.TRIGGER_HIGH,
    Cause.INSUFFICIENT_MARGIN: Code.FUNDS,
    Cause.RISK_LIMIT: Code.POSITION_LIMIT,
    Cause.TOO_MANY_ORDERS: Code.TOO_MANY_ORDERS,
    Cause.WOULD_TAKE: Code.POST_ONLY,
    Cause.NOT_FILLABLE: Code.REJECTED,
    Cause.NOT_REDUCING: Code.REJECTED,
    Cause.COVERED: Code.REJECTED,
    Cause.NOTHING_TO_AMEND: Code.ARGUMENTS,
    Cause.LOTS_BELOW_FILLED: Code.AMOUNT,
    Cause.INVALID_LEVERAGE: Code.ARGUMENTS,
    Cause.INVALID_AMOUNT: Code.ARGUMENTS,
    Cause.DUPLICATE_ORDER: Code.ARGUMENTS,
    Cause.BOOK_FULL: Code.QUEUE_FULL,
    Cause.UNSUPPORTED: Code.ARGUMENTS,
    Cause.BOOK_BEHIND: Code.SETTLEMENT,
}
"""The code of the answer to a command that the desk rejected."""
ANSWERED: Final = frozenset({Cause.NOT_FILLABLE})
"""Rejections that Deribit shows as orders that were cancelled."""


def rejection(cause: Cause, side: int = 1) -> RpcError | None:
    """Return the error that answers a command of this outcome; None if it was executed.

    `side` is that of the order: a sale beyond the band is too low.
    """
    if not cause.is_rejection or cause in ANSWERED:
        return None
    code = REJECTIONS[cause]
    if cause is Cause.PRICE_BAND and side < 0:
        code = Code.PRICE_TOO_LOW
    return RpcError(code, cause.text)
