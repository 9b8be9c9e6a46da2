"""Return codes of Bybit, and those that stand for our reasons of a rejection. Pure."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from exchange.clearing.orders import Cause


class RetCode(IntEnum):
    """`retCode` of an answer; `text` is the usual `retMsg`."""

    text: str

    def __new__(cls, value: int, text: str) -> "RetCode":
        member = int.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    OK = 0, "OK"
    PARAMETER = 10001, "params error"
    WINDOW = 10002, "invalid request, please check your server timestamp or recv_window param"
    API_KEY = 10003, "API key is invalid."
    SIGNATURE = 10004, "error sign! please check your signature generation algorithm."
    PERMISSION = 10005, "Permission denied, please check your API key permissions."
    TOO_MANY_VISITS = 10006, "Too many visits. Exceeded the API Rate Limit."
    REPEATED_REQUEST = 10014, "Invalid duplicate request."
    SERVER = 10016, "Server error."
    ROUTE = 10017, "Route not found."
    IP_LIMIT = 10018, "Exceeded the IP Rate Limit."
    NO_ORDER = 110001, "order not exists or too late to cancel"
    PRICE_RANGE = 110003, "Order price exceeds the allowable range."
    WALLET_BALANCE = 110004, "Wallet balance is insufficient"
    AVAILABLE_BALANCE = 110007, "ab not enough for new order"
    ORDER_ENDED = 110008, "Order has been completed or cancelled."
    ORDER_CANCELLED = 110010, "Order has been cancelled"
    REDUCE_ONLY = 110017, "current position is zero, cannot fix reduce-only order qty"
    TOO_MANY_ORDERS = 110020, "Not allowed to have more than 500 active orders"
    POSITION_MODE = 110025, "Position mode is not modified"
    MARGIN_MODE = 110026, "Cross/isolated margin mode is not modified"
    LEVERAGE = 110043, "leverage not modified"
    LINK_ID = 110072, "OrderLinkedID is duplicate"
    POSITION_LIMIT = 110090, "Order placement failed as your position may exceed the max limit"
    EXPECT_RISING = 110092, "expect Rising, but trigger_price <= current"
    EXPECT_FALLING = 110093, "expect Falling, but trigger_price >= current"
    SMALL_VALUE = 110094, "Order does not meet minimum order value"
    SPOT_SYMBOL = 170121, "Invalid symbol."
    SPOT_NO_ORDER = 170213, "Order does not exist."
    WS_ROUTE = 10404, "op type is not found"
    WS_TOO_MANY = 10429, "System level frequency protection"
    WS_REPEATED_LOGIN = 20001, "Repeat auth"
    WS_MESSAGE_RATE = 20003, "Too frequent requests under the same session"
    WS_REPEATED_ID = 20006, "Duplicate reqId"


class BybitError(Exception):
    """A request is refused with a code of Bybit; the text is for the client."""

    def __init__(self, code: RetCode, text: str = "") -> None:
        super().__init__(text or code.text)
        self.code = code

    @property
    def text(self) -> str:
        return str(self)


def parameter_error(text: str) -> BybitError:
    return BybitError(RetCode.PARAMETER, f"{RetCode.PARAMETER.text}: {text}")


REJECTIONS: Final[Mapping[Cause, RetCode]] = {
    Cause.NO_BOOK: RetCode.SERVER,
    Cause.NOT_OPEN: RetCode.NO_ORDER,
    Cause.INVALID_LOTS: RetCode.PARAMETER,
    Cause.INVALID_TICKS: RetCode.PARAMETER,
    Cause.INVALID_TRIGGER: RetCode.PARAMETER,
    Cause.PRICE_BAND: RetCode.PRICE_RANGE,
    Cause.TRIGGER_NOT_ABOVE: RetCode.EXPECT_RISING,
    Cause.TRIGGER_NOT_BELOW: RetCode.EXPECT_FALLING,
    Cause.INSUFFICIENT_MARGIN: RetCode.AVAILABLE_BALANCE,
    Cause.RISK_LIMIT: RetCode.POSITION_LIMIT,
    Cause.TOO_MANY_ORDERS: RetCode.TOO_MANY_ORDERS,
    Cause.NOT_REDUCING: RetCode.REDUCE_ONLY,
    Cause.COVERED: RetCode.REDUCE_ONLY,
    Cause.NOTHING_TO_AMEND: RetCode.PARAMETER,
    Cause.LOTS_BELOW_FILLED: RetCode.PARAMETER,
    Cause.INVALID_LEVERAGE: RetCode.PARAMETER,
    Cause.INVALID_AMOUNT: RetCode.PARAMETER,
    Cause.DUPLICATE_ORDER: RetCode.LINK_ID,
    Cause.BOOK_FULL: RetCode.SERVER,
    Cause.UNSUPPORTED: RetCode.PARAMETER,
    Cause.BOOK_BEHIND: RetCode.SERVER,
}
"""The code of the answer to a command that the desk rejected."""

UNKNOWN_LATER: Final = frozenset({Cause.WOULD_TAKE, Cause.NOT_FILLABLE})
"""Rejections that Bybit acknowledges first: only the state of the order tells."""


def rejection(cause: Cause) -> BybitError | None:
    """Return the error that answers a rejected command, None where Bybit acknowledges it."""
    if not cause.is_rejection or cause in UNKNOWN_LATER:
        return None
    code = REJECTIONS[cause]
    if code is RetCode.PARAMETER:
        return parameter_error(cause.text)
    return BybitError(code, cause.text if code is RetCode.SERVER else "")
