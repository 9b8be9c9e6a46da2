"""What fault injection must know of Bybit (venues.faults.dialects.Dialect). Pure."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from venues.bybit.envelopes import refusal
from venues.bybit.errors import BybitError, RetCode
from venues.doors import clock
from venues.faults.dialects import Answer

ORDER_PATHS: Final = "/v5/order/"
JSON: Final = (b"content-type", b"application/json; charset=utf-8")
HEAD: Final = 80
"""Characters of a message in which its topic or its first fields are."""
WRONG_BY: Final = 7
"""How far a wrong `u` is off."""


class BybitDialect:
    def is_order_request(self, scope: Mapping[str, Any]) -> bool:
        return scope["method"] == "POST" and ORDER_PATHS in scope["path"]

    def is_order_reply(self, text: str) -> bool:
        return '"op":"order.' in text[:200] and '"retCode":0' in text[:200]

    def is_book(self, text: str) -> bool:
        return text.startswith('{"topic":"orderbook.') and '"type":"delta"' in text[:HEAD]

    def is_news(self, text: str) -> bool:
        return '"topic":"' in text[:HEAD] and not text.startswith('{"topic":"orderbook.')

    def misnumbered(self, text: str) -> str:
        message = orjson.loads(text)
        message["data"]["u"] += WRONG_BY
        return orjson.dumps(message).decode()

    def too_many_requests(self) -> Answer:
        now_ms = clock.now_ms()
        limits = {
            b"X-Bapi-Limit": b"10",
            b"X-Bapi-Limit-Status": b"0",
            b"X-Bapi-Limit-Reset-Timestamp": str(now_ms + 1_000).encode(),
        }
        body = orjson.dumps(refusal(BybitError(RetCode.TOO_MANY_VISITS), now_ms))
        return Answer(200, body, (JSON, *limits.items()))

    def refused_message(self, text: str) -> str | None:
        return None  # Bybit limits HTTP

    def closed(self) -> Answer:
        return Answer(503, b"<html><head><title>503 Service Unavailable</title></head></html>")
