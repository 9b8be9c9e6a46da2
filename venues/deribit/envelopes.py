"""Envelopes of JSON-RPC: answers and notifications. Pure."""

from typing import Any, Final, NotRequired, TypedDict

from venues.deribit.errors import ErrorMember, RpcError

VERSION: Final = "2.0"
RequestId = int | str | None


class Envelope(TypedDict):
    """The answer to a request; times are the wall clock in microseconds."""

    jsonrpc: str
    id: NotRequired[RequestId]
    result: NotRequired[Any]
    error: NotRequired[ErrorMember]
    usIn: int
    usOut: int
    usDiff: int
    testnet: bool


def answer(request_id: RequestId, result: Any, received_us: int, sent_us: int) -> Envelope:
    return {**_times(request_id, received_us, sent_us), "result": result}


def refusal(request_id: RequestId, error: RpcError, received_us: int, sent_us: int) -> Envelope:
    return {**_times(request_id, received_us, sent_us), "error": error.as_json()}


def _times(request_id: RequestId, received_us: int, sent_us: int) -> Envelope:
    told: Envelope = {
        "jsonrpc": VERSION,
        "usIn": received_us,
        "usOut": sent_us,
        "usDiff": sent_us - received_us,
        "testnet": False,
    }
    return told if request_id is None else {**told, "id": request_id}


def notification(method: str, **params: Any) -> dict[str, Any]:
    """Return a message that answers no request, e.g. a heartbeat."""
    return {"jsonrpc": VERSION, "method": method, "params": params}


def news(channel: str, data: Any) -> dict[str, Any]:
    """Return a notification of a channel."""
    return notification("subscription", channel=channel, data=data)
