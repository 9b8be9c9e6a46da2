"""Envelopes of answers over REST and on the trade WebSocket. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

from venues.bybit.errors import BybitError, RetCode


class Envelope(TypedDict):
    """The body of every REST answer."""

    retCode: int
    retMsg: str
    result: Mapping[str, Any]
    retExtInfo: Mapping[str, Any]
    time: int


class Outcome(TypedDict):
    """The result of one order of a batch, in `retExtInfo.list`."""

    code: int
    msg: str


NOTHING: Final[Mapping[str, Any]] = {}


def envelope(
    result: Mapping[str, Any], time_ms: int, more: Mapping[str, Any] = NOTHING
) -> Envelope:
    """Return a successful answer; `more` is the retExtInfo of a batch."""
    return {
        "retCode": RetCode.OK.value,
        "retMsg": RetCode.OK.text,
        "result": result,
        "retExtInfo": more,
        "time": time_ms,
    }


def refusal(error: BybitError, time_ms: int) -> Envelope:
    """Return the answer to a refused request."""
    return {
        "retCode": error.code.value,
        "retMsg": error.text,
        "result": NOTHING,
        "retExtInfo": NOTHING,
        "time": time_ms,
    }


def outcome(error: BybitError | None = None) -> Outcome:
    """Return the result of one order of a batch."""
    if error is None:
        return {"code": RetCode.OK.value, "msg": RetCode.OK.text}
    return {"code": error.code.value, "msg": error.text}


def page(
    rows: Sequence[Mapping[str, Any] | Sequence[str]], cursor: str = "", **more: Any
) -> dict[str, Any]:
    """Return the result of a listing; an empty cursor ends it."""
    return {**more, "list": rows, "nextPageCursor": cursor}
