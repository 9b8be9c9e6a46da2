"""Messages of clients on the stream: parsing and validation. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import orjson

from live import topics

OPERATIONS: Final = ("subscribe", "unsubscribe", "ping", "auth")
LARGEST_SEQ: Final = 2**40 - 1
ALIAS: Final = "quotes"
"""The kind of topic that a bare symbol in `since` stands for."""


class ProtocolError(ValueError):
    """An invalid message; `code` is for programs, the text for people."""

    def __init__(self, code: str, detail: str, req_id: Any = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.req_id = req_id


class Credentials(NamedTuple):
    """API key, time in epoch milliseconds until which the signature is valid, signature."""

    key: str
    expires_ms: int
    signature: str


NO_CREDENTIALS: Final = Credentials("", 0, "")


@dataclass(frozen=True)
class Request:
    """A message of a client; `since` is by topic. `credentials` are those of an auth message."""

    op: Literal["subscribe", "unsubscribe", "ping", "auth"]
    args: tuple[str, ...]
    since: dict[str, int]
    req_id: Any
    batch: bool = False
    credentials: Credentials = NO_CREDENTIALS


def parse(text: str) -> Request:
    """Return the request in `text`; raise ProtocolError naming what is wrong with it."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ProtocolError("bad_json", f"the message is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise ProtocolError("bad_message", "the message must be a JSON object")
    req_id = message.get("req_id")
    op = message.get("op")
    if op not in OPERATIONS:
        allowed = ", ".join(OPERATIONS)
        raise ProtocolError("unknown_op", f"op {op!r} is unknown; use one of {allowed}", req_id)
    if op == "auth":
        return Request(op, (), {}, req_id, credentials=credentials(message.get("args"), req_id))
    args = message.get("args", [])
    if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args):
        raise ProtocolError("bad_args", "args must be a list of topics", req_id)
    if op != "ping" and not args:
        raise ProtocolError("bad_args", 'args is empty; name topics, e.g. ["quotes.ES"]', req_id)
    since = message.get("since") or {}
    if not isinstance(since, dict) or not all(is_seq(seq) for seq in since.values()):
        raise ProtocolError(
            "bad_since", 'since must map topics to seqs, e.g. {"quotes.ES": 1234}', req_id
        )
    batch = message.get("batch", False)
    if not isinstance(batch, bool):
        raise ProtocolError("bad_batch", f"batch must be true or false, not {batch!r}", req_id)
    return Request(op, tuple(dict.fromkeys(args)), by_topic(since), req_id, batch)


def credentials(args: object, req_id: Any) -> Credentials:
    """Return the arguments of an auth message; raise ProtocolError."""
    if isinstance(args, list) and [type(arg) for arg in args] == [str, int, str]:
        return Credentials(*args)
    detail = "args of auth must be [API key, time it expires in epoch ms, signature]"
    raise ProtocolError("bad_args", detail, req_id)


def is_seq(value: object) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_SEQ


def by_topic(since: Mapping[str, int]) -> dict[str, int]:
    """Return `since` by topic, where a bare symbol ("ES") stands for its quotes."""
    return {
        name if topics.split(name) or topics.is_private(name) else f"{ALIAS}.{name}": seq
        for name, seq in since.items()
    }


def unknown_topic(topic: str, req_id: Any = None) -> ProtocolError:
    """Return the error for a topic of no kind."""
    name = topics.shown(topic)
    if topics.is_private(name):
        detail = f"topic {topic!r} is private: authenticate on the WebSocket and write {name!r}"
    else:
        detail = f"topic {topic!r} is unknown; use one of {topics.forms()}, or * as the SYMBOL"
    return ProtocolError("unknown_topic", detail, req_id)
