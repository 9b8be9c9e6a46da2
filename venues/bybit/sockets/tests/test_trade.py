"""The trade socket: orders, what their replies say, and what is refused."""

import asyncio

import pytest
from django.test import override_settings

from exchange.accounts.opening import revoke
from exchange.models import Command, Order
from venues.bybit.sockets import trade
from venues.bybit.sockets.tests.talking import (
    PRIVATE,
    TRADE,
    Bot,
    connected,
    listed,
    order,
    request,
)
from venues.tests.markets import in_thread, market

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


@pytest.fixture
def btcusdt():
    return listed()


@pytest.fixture
def bot(btcusdt):
    return Bot()


async def test_create_amend_and_cancel_an_order(btcusdt, bot):
    async with (
        market(btcusdt),
        connected(TRADE) as client,
        connected(PRIVATE) as stream,
    ):
        login = await client.ask(bot.login())
        await stream.ask(bot.login())
        await stream.follow("order")
        created = await client.ask(request("order.create", order("mine"), 1))
        key = created["data"]["orderId"]
        asked = {"category": "linear", "symbol": "BTCUSDT", "orderId": key}
        amended = await client.ask(request("order.amend", {**asked, "price": "1991.0"}, 2))
        cancelled = await client.ask(request("order.cancel", asked, 3))
        again = await client.ask(request("order.cancel", asked, 4))
        rows = await stream.topic("order", 3)
    assert login == {"retCode": 0, "retMsg": "OK", "op": "auth", "connId": login["connId"]}
    assert {name: created[name] for name in ("reqId", "retCode", "retMsg", "op", "data")} == {
        "reqId": "r1",
        "retCode": 0,
        "retMsg": "OK",
        "op": "order.create",
        "data": {"orderId": key, "orderLinkId": "mine"},
    }
    assert set(created["header"]) == {
        "X-Bapi-Limit", "X-Bapi-Limit-Status", "X-Bapi-Limit-Reset-Timestamp", "Traceid", "Timenow",
    }  # fmt: skip
    assert [reply["retCode"] for reply in (amended, cancelled, again)] == [0, 0, 110001]
    assert [row["orderStatus"] for row in rows] == ["New", "New", "Cancelled"]
    assert [row["price"] for row in rows] == ["1990.0", "1991.0", "1991.0"]


async def test_batches_have_parallel_lists(btcusdt, bot):
    async with market(btcusdt), connected(TRADE) as client:
        await client.ask(bot.login())
        wanted = [order("a"), order("b", qty="0"), order("c")]
        made = await client.ask(
            request("order.create-batch", {"category": "linear", "request": wanted}, 1)
        )
        keys = [{"symbol": "BTCUSDT", "orderLinkId": link} for link in "abc"]
        gone = await client.ask(
            request("order.cancel-batch", {"category": "linear", "request": keys}, 2)
        )
    assert [row["orderLinkId"] for row in made["data"]["list"]] == ["a", "b", "c"]
    assert [row["code"] for row in made["retExtInfo"]["list"]] == [0, 10001, 0]
    assert [row["code"] for row in gone["retExtInfo"]["list"]] == [0, 110001, 0]


REFUSED = {
    "quantity x": (lambda: request("order.create", order(qty="x"), 1), 10001),
    "not listed": (lambda: request("order.create", order(symbol="ES"), 1), 10001),
    "price": (lambda: request("order.create", order(price="5000000.0"), 1), 110003),
    "margin": (lambda: request("order.create", order(qty="900.000"), 1), 110007),
    "category": (lambda: request("order.create", order(category="option"), 1), 10404),
    "operation": (lambda: request("order.dance", order(), 1), 10404),
    "no order": (
        lambda: request("order.cancel", {"category": "linear", "symbol": "BTCUSDT"}, 1), 10001
    ),
    "no timestamp": (lambda: {**request("order.create", order(), 1), "header": {}}, 10001),
    "late": (lambda: request("order.create", order(), 1, **{"X-BAPI-TIMESTAMP": "1000"}), 10002),
    "no arguments": (lambda: {**request("order.create", order(), 1), "args": []}, 10001),
    "bad arguments": (lambda: {**request("order.create", order(), 1), "args": [1, 2]}, 10001),
}  # fmt: skip
"""Requests, made when they are sent because they tell the time, and the codes of their answers."""


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refused_request_has_the_documented_code(btcusdt, bot, name):
    make, code = REFUSED[name]
    async with market(btcusdt), connected(TRADE) as client:
        await client.ask(bot.login())
        reply = await client.ask(message := make())
        pong = await client.ask({"op": "ping"})
    assert (reply["retCode"], reply["reqId"], reply["op"]) == (code, "r1", message["op"])
    assert reply["retMsg"]
    assert pong["op"] == "pong"


async def test_text_that_is_no_request_is_answered(btcusdt, bot):
    async with connected(TRADE) as client:
        await client.ask(bot.login())
        assert (await client.ask("{"))["retCode"] == 10001


async def test_a_request_id_is_accepted_once(btcusdt, bot):
    async with market(btcusdt), connected(TRADE) as client:
        await client.ask(bot.login())
        first = await client.ask(request("order.create", order("a"), 1))
        again = await client.ask(request("order.create", order("b"), 1))
    assert (first["retCode"], again["retCode"]) == (0, 20006)
    assert await in_thread(Order.objects.count) == 1


async def test_an_order_link_id_is_accepted_once(btcusdt, bot):
    async with market(btcusdt), connected(TRADE) as client:
        await client.ask(bot.login())
        await client.ask(request("order.create", order("a"), 1))
        assert (await client.ask(request("order.create", order("a"), 2)))["retCode"] == 110072


async def test_only_a_key_that_may_trade_does(btcusdt):
    reader = await in_thread(Bot, "reader", can_trade=False)
    ended = await in_thread(Bot, "ended")
    async with connected(TRADE) as client, connected(TRADE) as gone, connected(TRADE) as nobody:
        await client.ask(reader.login())
        await gone.ask(ended.login())
        await in_thread(revoke, ended.model)
        codes = [
            (await each.ask(request("order.create", order(), 1)))["retCode"]
            for each in (client, gone, nobody)
        ]
        wrong = await nobody.ask(ended.login(secret="wrong"))
        repeated = await client.ask(reader.login())
    assert codes == [10005, 10003, 10003]
    assert wrong["retCode"] in (10003, 10004)
    assert repeated["retCode"] == 20001
    assert not await in_thread(Command.objects.exists)


@pytest.mark.parametrize(("secret", "code"), [("wrong", 10004), ("", 0)])
async def test_a_wrong_signature_is_10004(bot, secret, code):
    async with connected(TRADE) as client:
        assert (await client.ask(bot.login(secret=secret)))["retCode"] == code


@override_settings(BYBIT_LIMIT_FACTOR=0.2)
async def test_a_rate_beyond_the_limit_is_10006(btcusdt, bot):
    async with market(btcusdt), connected(TRADE) as client:
        await client.ask(bot.login())
        for number in range(30):
            await client.say(request("order.create", order(qty="x"), number))
        replies = [await client.hear() for _ in range(30)]
    refused = [reply for reply in replies if reply["retCode"] == 10006]
    assert refused
    assert refused[0]["header"]["X-Bapi-Limit"] == "2"
    assert refused[0]["header"]["X-Bapi-Limit-Status"] == "0"


async def test_more_requests_than_can_wait_are_10429(btcusdt, bot, monkeypatch):
    monkeypatch.setattr(trade, "MOST_WAITING", 3)
    async with market(btcusdt, is_running=False) as exchange, connected(TRADE) as client:
        await client.ask(bot.login())
        for number in range(8):
            await client.say(request("order.create", order(), number))
        await client.say({"op": "ping"})
        refused = []
        while (reply := await client.hear())["op"] != "pong":  # answered while orders wait
            refused.append(reply)
        while not await in_thread(exchange.execute):
            await asyncio.sleep(0.005)
        first = await client.hear()
    assert len(refused) >= 4
    assert {reply["retCode"] for reply in refused} == {10429}
    assert (first["reqId"], first["retCode"]) == ("r0", 0)
