"""What fault injection knows of Deribit's messages."""

import json

import orjson
import pytest

from venues.deribit.envelopes import answer, news
from venues.deribit.faultdialect import DeribitDialect

DIALECT = DeribitDialect()


def text(message: object) -> str:
    return orjson.dumps(message).decode()


CHANGE = text(news("book.X.100ms", {"type": "change", "change_id": 5, "prev_change_id": 4}))
SNAPSHOT = text(news("book.X.100ms", {"type": "snapshot", "change_id": 5}))
TRADES = text(news("trades.X.100ms", [{"trade_id": "1"}]))
ORDER = text(answer(1, {"order": {"order_id": "1"}, "trades": []}, 1, 2))
TIME = text(answer(1, 5, 1, 2))


def test_messages_are_told_apart() -> None:
    messages = (CHANGE, SNAPSHOT, TRADES, ORDER, TIME)
    assert [DIALECT.is_book(each) for each in messages] == [True, False, False, False, False]
    assert [DIALECT.is_news(each) for each in messages] == [False, False, True, False, False]
    assert [DIALECT.is_order_reply(each) for each in messages] == [
        False, False, False, True, False,
    ]  # fmt: skip


def test_wrong_numbers_are_wrong() -> None:
    data = json.loads(DIALECT.misnumbered(CHANGE))["params"]["data"]
    assert (data["change_id"] != 5, data["prev_change_id"]) == (True, 4)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("/deribit/api/v2/private/buy", True),
        ("/api/v2/private/cancel_all", True),
        ("/api/v2/private/get_open_orders", False),
        ("/api/v2/public/ticker", False),
    ],
)
def test_order_requests_are_known_by_their_path(path: str, is_one: bool) -> None:
    assert DIALECT.is_order_request({"method": "GET", "path": path}) is is_one


def test_refusals_are_those_of_deribit() -> None:
    refused = DIALECT.too_many_requests()
    assert (refused.status, json.loads(refused.body)["error"]["code"]) == (429, 10028)
    assert DIALECT.closed().status == 503
    request = text({"jsonrpc": "2.0", "id": 7, "method": "public/test", "params": {}})
    answered = json.loads(DIALECT.refused_message(request) or "")
    assert (answered["id"], answered["error"]["code"]) == (7, 10028)
    assert DIALECT.refused_message("nonsense") is None
