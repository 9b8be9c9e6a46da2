"""What clients may say on the stream, and what is wrong with what they said. Pure."""

from dataclasses import dataclass
from typing import Any, Literal

import orjson

OPERATIONS = ("subscribe", "unsubscribe", "ping", "ack")
KINDS = ("quotes", "status", "regimes", "indicators")
LARGEST_SEQ = 2**40 - 1


class ProtocolError(ValueError):
    """A message that cannot be understood; `code` is for programs, the text for people."""

    def __init__(self, code: str, detail: str, req_id: Any = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.req_id = req_id


@dataclass(frozen=True)
class Request:
    op: Literal["subscribe", "unsubscribe", "ping", "ack"]
    args: tuple[str, ...]
    since: dict[str, int]
    req_id: Any
    batch: bool = False


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
    args = message.get("args", [])
    if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args):
        raise ProtocolError("bad_args", "args must be a list of topics", req_id)
    if op in ("subscribe", "unsubscribe") and not args:
        raise ProtocolError("bad_args", 'args is empty; name topics, e.g. ["quotes.ES"]', req_id)
    since = message.get("since") or {}
    if not isinstance(since, dict) or not all(
        type(seq) is int and 0 <= seq <= LARGEST_SEQ for seq in since.values()
    ):
        raise ProtocolError(
            "bad_since", 'since must map symbols to seqs, e.g. {"ES": 1234}', req_id
        )
    batch = message.get("batch", False)
    if not isinstance(batch, bool):
        raise ProtocolError("bad_batch", f"batch must be true or false, not {batch!r}", req_id)
    return Request(op, tuple(dict.fromkeys(args)), since, req_id, batch)


def split_topic(topic: str, req_id: Any = None) -> tuple[str, str]:
    """Return (kind, symbol) of `topic`, e.g. ("quotes", "ES") or ("indicators.hurst", "ES")."""
    kind, _, symbol = topic.partition(".")
    if kind == "indicators":
        name, _, symbol = symbol.partition(".")
        kind = f"indicators.{name}"
    if kind.split(".")[0] not in KINDS or not symbol:
        raise ProtocolError(
            "unknown_topic",
            f"topic {topic!r} is unknown; use quotes.SYMBOL, quotes.*, status.SYMBOL, "
            "regimes.SYMBOL or indicators.NAME.SYMBOL",
            req_id,
        )
    return kind, symbol
