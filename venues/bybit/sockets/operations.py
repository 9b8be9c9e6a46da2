"""Messages of clients on the WebSockets, and the replies to them. Pure.

Bybit answers in three ways: public sockets repeat `req_id` in every reply, private ones have a pong
of their own, and trade sockets reply as REST does, with retCode and retMsg.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import orjson

OK: Final = "OK"
MOST_ARGUMENT_CHARACTERS: Final = 21_000
"""Most characters of all topics that one connection follows."""
LONGEST_ID: Final = 36
Reply = dict[str, Any]


class BadMessageError(ValueError):
    """The message is not an operation; the text is for the client."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A message of a client; `id` is its req_id or reqId, None if it sent none."""

    op: str
    id: str | None = None
    args: list[Any] = field(default_factory=list)
    header: dict[str, Any] = field(default_factory=dict)


def parsed(text: str) -> Operation:
    """Return the operation in a message; raise BadMessageError."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadMessageError(f"Invalid request data: {error}") from error
    if not isinstance(message, dict):
        raise BadMessageError("Invalid request data: the message must be a JSON object")
    args, header = message.get("args") or [], message.get("header") or {}
    if not isinstance(args, list) or not isinstance(header, dict):
        raise BadMessageError("Params Error: args must be a list and header an object")
    return Operation(
        op=str(message.get("op", "")),
        id=identifier(message),
        args=args,
        header=header,
    )


def identifier(message: dict[str, Any]) -> str | None:
    for name in ("req_id", "reqId"):
        if message.get(name) is not None:
            return str(message[name])[:LONGEST_ID]
    return None


def accepted(operation: Operation, connection: str, text: str = "") -> Reply:
    """Return the reply of a public or private socket to what was done."""
    return stream_reply(operation, connection, success=True, text=text)


def refused(operation: Operation, connection: str, text: str) -> Reply:
    """Return the reply of a public or private socket to what was not done."""
    return stream_reply(operation, connection, success=False, text=text)


def stream_reply(operation: Operation, connection: str, *, success: bool, text: str) -> Reply:
    return {
        "success": success,
        "ret_msg": text,
        "conn_id": connection,
        "req_id": operation.id or "",
        "op": operation.op,
    }


def authenticated(operation: Operation, connection: str) -> Reply:
    """Return the reply of a private socket to `auth`."""
    reply = {"success": True, "ret_msg": "", "op": operation.op, "conn_id": connection}
    return reply if operation.id is None else {**reply, "req_id": operation.id}


def private_pong(operation: Operation, connection: str, now_ms: int) -> Reply:
    return {
        "req_id": operation.id or "",
        "op": "pong",
        "args": [str(now_ms)],
        "conn_id": connection,
    }


def trade_pong(operation: Operation, connection: str, now_ms: int) -> Reply:
    reply = {"retCode": 0, "retMsg": OK, "op": "pong", "data": [str(now_ms)], "connId": connection}
    return with_id(operation, reply)


def trade_reply(
    operation: Operation,
    connection: str,
    code: int,
    text: str,
    *,
    data: Any = None,
    header: dict[str, str] | None = None,
    extra: Any = None,
) -> Reply:
    """Return the reply of a trade socket; one without `header` concerns no order."""
    reply: Reply = {"retCode": code, "retMsg": text, "op": operation.op}
    if header is not None:
        reply |= {"data": data or {}, "retExtInfo": extra or {}, "header": header}
    return with_id(operation, {**reply, "connId": connection})


def with_id(operation: Operation, reply: Reply) -> Reply:
    """Return a reply that begins with the reqId, if the client sent one."""
    return reply if operation.id is None else {"reqId": operation.id, **reply}
