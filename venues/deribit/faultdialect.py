"""What fault injection must know of Deribit (venues.faults.dialects.Dialect). Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from venues.deribit.envelopes import refusal
from venues.deribit.errors import Code, RpcError
from venues.deribit.requests import BadRequestError, parsed
from venues.doors import clock
from venues.faults.dialects import Answer

ORDERS: Final = re.compile(r"/private/(buy|sell|edit|cancel|close)")
NEWS: Final = '{"jsonrpc":"2.0","method":"subscription"'
CHANNEL: Final = re.compile(r'"channel":"([^"]*)"')
HEAD: Final = 400
"""Characters of a message in which its channel or its first fields are."""
WRONG_BY: Final = 7
"""How far a wrong `change_id` is off."""
JSON: Final = (b"content-type", b"application/json")


class DeribitDialect:
    def is_order_request(self, scope: Mapping[str, Any]) -> bool:
        return ORDERS.search(scope["path"]) is not None

    def is_order_reply(self, text: str) -> bool:
        return '"result":{"order":{' in text[:HEAD]

    def is_book(self, text: str) -> bool:
        return channel_of(text).startswith("book.") and '"type":"change"' in text[:HEAD]

    def is_news(self, text: str) -> bool:
        return text.startswith(NEWS) and not channel_of(text).startswith("book.")

    def misnumbered(self, text: str) -> str:
        message = orjson.loads(text)
        message["params"]["data"]["change_id"] += WRONG_BY
        return orjson.dumps(message).decode()

    def too_many_requests(self) -> Answer:
        now_us = clock.now_ns() // 1_000
        body = refusal(None, RpcError(Code.TOO_MANY_REQUESTS), now_us, now_us)
        return Answer(429, orjson.dumps(body), (JSON,))

    def refused_message(self, text: str) -> str | None:
        try:
            request_id = parsed(text.encode()).id
        except BadRequestError:
            return None
        now_us = clock.now_ns() // 1_000
        refused = refusal(request_id, RpcError(Code.TOO_MANY_REQUESTS), now_us, now_us)
        return orjson.dumps(refused).decode()

    def closed(self) -> Answer:
        return Answer(503, b"<html><head><title>503 Service Unavailable</title></head></html>")


def channel_of(text: str) -> str:
    """Return the channel of a notification, "" of other messages."""
    if not text.startswith(NEWS):
        return ""
    found = CHANNEL.search(text, 0, HEAD)
    return found[1] if found else ""
