"""Orders over HTTP, executed by the real desk and engine."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from django.db import connection
from django.test import Client

from exchange.accounts import results
from exchange.http import commands
from exchange.matching import BUY, SELL
from exchange.models import Command, Order
from exchange.tests.clients import LIMIT, MARK, ORDERS, Program, funded, listed
from exchange.tests.trading import Exchange, open_exchange
from instruments.models import Instrument

pytestmark = pytest.mark.django_db(transaction=True)
MARKET = {"symbol": "ES", "side": "buy", "type": "market", "quantity": 3}


@pytest.fixture
def es() -> Instrument:
    return listed("ES")


@pytest.fixture
def program(es: Instrument) -> Program:
    return Program(funded())


@pytest.fixture
def exchange(es: Instrument) -> Iterator[Exchange]:
    """An exchange whose best prices are 4999.75 and 5000.25."""
    with open_exchange(es) as exchange:
        exchange.provide("ES", BUY, MARK - 1, 50)
        exchange.provide("ES", SELL, MARK + 1, 50)
        with exchange.running():
            yield exchange


def test_limit_order_rests_is_listed_amended_and_cancelled(
    exchange: Exchange, program: Program
) -> None:
    made = program.post(ORDERS, LIMIT | {"client_id": "mine"})
    order = made.json()
    assert made.status_code == 201
    assert made["Location"] == f"{ORDERS}{order['id']}/"
    known = {"client_id": "mine", "symbol": "ES", "side": "buy", "type": "limit", "price": 4999.5,
             "quantity": 2, "filled": 0, "time_in_force": "gtc", "reduce_only": False,
             "average_price": None, "trigger_price": None, "trigger_by": None}  # fmt: skip
    assert order | known | {"state": "new", "reason": "accepted"} == order
    path = f"{ORDERS}{order['id']}/"
    assert program.get(path).json() == order
    listing = program.get(ORDERS, state="open").json()
    assert [dict(zip(listing["columns"], row, strict=True)) for row in listing["rows"]] == [
        {name: value for name, value in order.items() if name != "detail"}
    ]
    amended = program.patch(path, {"price": "4999.25", "quantity": 5})
    assert (amended.status_code, amended.json()["price"]) == (200, 4999.25)
    assert (amended.json()["quantity"], amended.json()["reason"]) == (5, "amended")
    cancelled = program.delete(path)
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    for again in (program.delete(path), program.patch(path, {"quantity": 1})):
        assert again.status_code == 409
        assert (
            again.json()["detail"] == f"order {order['id']} is cancelled: it cannot change any more"
        )
    assert program.get(ORDERS, state="open").json()["rows"] == []


def test_market_order_fills_and_is_seen_everywhere(exchange: Exchange, program: Program) -> None:
    order = program.post(ORDERS, MARKET | {"quantity": 30}).json()
    assert (order["state"], order["filled"], order["average_price"]) == ("filled", 30, 5000.25)
    (fill,) = rows(program.get("/api/v1/executions/"))
    assert (fill["seq"], fill["order"], fill["price"], fill["quantity"]) == (
        1, order["id"], 5000.25, 30,
    )  # fmt: skip
    assert (fill["liquidity"], fill["side"]) == ("taker", "buy")
    assert fill["fee"] == pytest.approx(30 * 5000.25 * 20e-6)
    (held,) = rows(program.get("/api/v1/positions/"))
    assert (held["quantity"], held["entry_price"], held["mark_price"]) == (30, 5000.25, 5000)
    assert held["unrealised"] == -7.5
    assert 0 < held["liquidation_price"] < 5000
    balance = program.get("/api/v1/balance/").json()
    assert balance["balance"] == pytest.approx(100_000 - fill["fee"])
    assert balance["equity"] == pytest.approx(balance["balance"] - 7.5)
    assert balance["available"] < balance["equity"] - balance["maintenance_margin"]
    ledger = rows(program.get("/api/v1/ledger/"))
    assert [entry["cause"] for entry in ledger] == ["fee", "deposit"]
    assert sum(Decimal(str(entry["amount"])) for entry in ledger) == Decimal(
        str(balance["balance"])
    )
    events = rows(program.get("/api/v1/orders/events/"))
    assert [(e["seq"], e["order"], e["state"]) for e in events] == [(1, order["id"], "filled")]


def rows(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    table = answer.json()
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def test_desk_rejections_are_orders_with_a_reason(exchange: Exchange, program: Program) -> None:
    crossing = LIMIT | {"price": 5010, "time_in_force": "post_only"}
    answer = program.post(ORDERS, crossing)
    order = answer.json()
    assert (answer.status_code, order["state"], order["reason"]) == (201, "rejected", "would_take")
    assert order["detail"] == "A post-only order would have traded at once."
    large = program.post(ORDERS, LIMIT | {"quantity": 500}).json()
    assert (large["state"], large["reason"]) == ("rejected", "insufficient_margin")
    partial = program.post(ORDERS, MARKET | {"quantity": 60}).json()
    assert (partial["state"], partial["filled"], partial["reason"]) == (
        "cancelled", 50, "no_liquidity",
    )  # fmt: skip
    assert program.get(f"{ORDERS}{order['id']}/").json() == order


def test_conditional_orders_wait_and_fire(exchange: Exchange, program: Program) -> None:
    program.post(ORDERS, MARKET)
    stop = {"symbol": "ES", "side": "sell", "type": "market", "quantity": 3, "reduce_only": True,
            "trigger_price": 4995, "trigger_by": "mark"}  # fmt: skip
    order = program.post(ORDERS, stop).json()
    assert (order["state"], order["trigger_direction"]) == ("untriggered", "falling")
    exchange.mark("ES", 4995 * 4)
    fired = program.get(f"{ORDERS}{order['id']}/").json()
    assert fired["state"] == "filled"


def test_cancel_all_can_be_limited_to_an_instrument(exchange: Exchange, program: Program) -> None:
    for _ in range(3):
        program.post(ORDERS, LIMIT)
    assert program.delete(ORDERS, symbol="ES").json() == {"cancelled": 3}
    assert program.delete(ORDERS).json() == {"cancelled": 0}
    assert program.delete(ORDERS, symbol="XX").status_code == 404
    assert program.delete(ORDERS, symbols="ES").status_code == 400


def test_leverage_and_closing_a_position(exchange: Exchange, program: Program) -> None:
    path = "/api/v1/positions/ES"
    assert program.post(f"{path}/close/").status_code == 409
    assert program.post(f"{path}/leverage/", {"leverage": 20}).json() == {
        "symbol": "ES", "leverage": 20,
    }  # fmt: skip
    program.post(ORDERS, MARKET)
    closed = program.post(f"{path}/close/", **{"Idempotency-Key": "k"})
    assert (closed.status_code, closed.json()["state"], closed.json()["side"]) == (
        201, "filled", "sell",
    )  # fmt: skip
    (held,) = rows(program.get("/api/v1/positions/"))
    assert (held["quantity"], held["leverage"], held["entry_price"]) == (0, 20, None)
    assert program.post(f"{path}/close/", **{"Idempotency-Key": "k"}).json() == closed.json()
    assert program.post(f"{path}/close/").json()["detail"] == "there is no position in ES to close"


def test_a_repeat_gives_the_first_answer(exchange: Exchange, program: Program) -> None:
    first = program.post(ORDERS, LIMIT | {"client_id": "x"})
    program.patch(f"{ORDERS}{first.json()['id']}/", {"quantity": 7})
    exchange.trade("ES", SELL, 55)
    assert program.get(f"{ORDERS}{first.json()['id']}/").json()["filled"] == 5
    second = program.post(ORDERS, LIMIT | {"client_id": "x"})
    assert (second.status_code, second.content) == (201, first.content)
    by_header = program.post(ORDERS, LIMIT, **{"Idempotency-Key": "x"})
    assert by_header.content == first.content
    assert Order.objects.count() == 1
    other = program.post(ORDERS, LIMIT | {"client_id": "x", "quantity": 3})
    assert other.status_code == 409
    assert "'x' named a different request before" in other.json()["detail"]
    both = program.post(ORDERS, LIMIT | {"client_id": "x"}, **{"Idempotency-Key": "y"})
    assert both.status_code == 400


def test_partial_fill_keeps_its_first_average(exchange: Exchange, program: Program) -> None:
    exchange.provide("ES", SELL, MARK + 2, 50)
    body = LIMIT | {"quantity": 60, "price": 5000.25, "client_id": "x"}
    first = program.post(ORDERS, body)
    assert (first.json()["filled"], first.json()["average_price"]) == (50, 5000.25)
    exchange.trade("ES", SELL, 4)
    assert program.get(ORDERS, client_id="x").json()["rows"][0][8] == 54
    assert program.post(ORDERS, body).content == first.content


def test_concurrent_repeats_place_one_order(exchange: Exchange, program: Program) -> None:
    answers: list[Any] = []
    start = threading.Barrier(4)

    def send() -> None:
        start.wait()
        answers.append(program.post(ORDERS, LIMIT | {"client_id": "x"}))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.content for answer in answers}) == 1
    assert [answer.status_code for answer in answers] == [201] * 4
    assert Order.objects.count() == Command.objects.count() == 1


def test_prices_are_exact_as_numbers_and_as_text(exchange: Exchange, program: Program) -> None:
    for price in ("4999.50", 4999.5, "4999.5"):
        answer = program.post(ORDERS, LIMIT | {"price": price, "quantity": "2.0"})
        assert (answer.status_code, answer.json()["price"]) == (201, 4999.5)
    assert b'"price":4999.50' in answer.content


def test_unknown_symbols_and_orders_of_others_are_not_found(
    exchange: Exchange, program: Program
) -> None:
    assert program.post(ORDERS, LIMIT | {"symbol": "XX"}).status_code == 404
    order = program.post(ORDERS, LIMIT).json()
    other = Program(funded("b"))
    texts = set()
    for key in (order["id"], order["id"] + 1, "x", "9" * 30, -1):
        for answer in (
            other.get(f"{ORDERS}{key}/"),
            other.patch(f"{ORDERS}{key}/", {"quantity": 1}),
            other.delete(f"{ORDERS}{key}/"),
        ):
            assert answer.status_code == 404
            texts.add(answer.json()["detail"].replace(str(key), "ID").replace("'", ""))
    assert len(texts) == 1
    assert program.get(f"{ORDERS}{order['id']}/").json()["state"] == "new"
    for path in (ORDERS, "/api/v1/executions/", "/api/v1/orders/events/"):
        assert other.get(path).json()["rows"] == []
    assert other.get("/api/v1/executions/", order=order["id"]).json()["rows"] == []


def test_pages_filters_csv_and_arrow(exchange: Exchange, program: Program) -> None:
    ids = [program.post(ORDERS, LIMIT | {"client_id": f"={n}"}).json()["id"] for n in range(5)]
    newest = program.get(ORDERS, limit=2)
    older = program.get(ORDERS, limit=2, cursor=newest.json()["next_cursor"])
    assert [row["id"] for row in (*rows(newest), *rows(older))] == ids[:0:-1]
    assert 'rel="next"' in older["Link"]
    csv = program.get(ORDERS, format="csv", limit="all").getvalue().decode().splitlines()
    assert len(csv) == 6
    assert csv[1].split(",")[:7] == [str(ids[-1]), "'=4", "ES", "buy", "limit", "gtc", "4999.50"]
    table = pa.ipc.open_stream(program.get(ORDERS, format="arrow").getvalue()).read_all()
    assert table["id"].to_pylist() == ids[::-1]
    assert table["price"].to_pylist() == [4999.5] * 5
    empty = pa.ipc.open_stream(program.get("/api/v1/executions/", format="arrow").getvalue())
    assert empty.read_all().num_rows == 0
    after = rows(program.get("/api/v1/orders/events/", since_seq=2, limit=2))
    assert [event["seq"] for event in after] == [3, 4]
    assert rows(program.get(ORDERS, client_id="=3"))[0]["id"] == ids[3]
    assert rows(program.get(ORDERS, state="closed")) == []
    assert rows(program.get(ORDERS, end="2020-01-01")) == []
    for query in ({"state": "x"}, {"limit": 0}, {"colour": 1}, {"start": "x"}, {"cursor": "x"}):
        assert program.get(ORDERS, **query).status_code == 400


def test_nothing_is_stored_while_no_exchange_runs(es: Instrument, program: Program) -> None:
    answer = program.post(ORDERS, LIMIT)
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer.json()["detail"] == "ES is stopped: no exchange is running"
    assert not Command.objects.exists()
    cancelled = program.delete(ORDERS)
    assert (cancelled.status_code, cancelled.json()) == (202, {"cancelled": None})
    assert Command.objects.filter(done=False).count() == 1


def test_order_that_waits_is_answered_as_pending(
    es: Instrument, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "WAIT_S", 0.05)
    with open_exchange(es) as exchange:
        waiting = program.post(ORDERS, LIMIT | {"client_id": "x"})
        assert (waiting.status_code, waiting.json()["state"]) == (202, "pending")
        exchange.execute()
        done = program.post(ORDERS, LIMIT | {"client_id": "x"})
        assert (done.status_code, done.json()["state"]) == (201, "new")
        assert done.json()["id"] == waiting.json()["id"]


def test_other_process_finds_the_result_by_polling(
    exchange: Exchange, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a web process beside which no exchange runs: nobody notifies it."""
    monkeypatch.setattr(results, "results", results.Results())
    assert program.post(ORDERS, LIMIT).json()["state"] == "new"


def test_lists_need_few_queries(
    exchange: Exchange, program: Program, django_assert_max_num_queries: Any
) -> None:
    for _ in range(4):
        program.post(ORDERS, MARKET)
    for path in (ORDERS, "/api/v1/executions/", "/api/v1/orders/events/", "/api/v1/ledger/"):
        with django_assert_max_num_queries(2):
            assert len(rows(program.get(path))) >= 4
    with django_assert_max_num_queries(11):
        program.get("/api/v1/positions/")


def test_anonymous_requests_are_401(client: Client, es: Instrument) -> None:
    for path in ("orders", "executions", "positions", "ledger", "balance", "account"):
        answer = client.get(f"/api/v1/{path}/")
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")
        assert answer["Content-Type"] == "application/problem+json"
    assert client.post(ORDERS, LIMIT, content_type="application/json").status_code == 401
