"""Operations of public and private sockets: the replies that clients rely on."""

import json

import pytest
from channels.testing import WebsocketCommunicator

from exchange.accounts.opening import revoke
from live import watch
from live.hub import current_hub
from venues.bybit.door import door
from venues.bybit.sockets import socket, streams
from venues.bybit.sockets.socket import active_time
from venues.bybit.sockets.tests.talking import PRIVATE, PUBLIC, Bot, connected, listed, run
from venues.doors import connecting, sockets
from venues.doors.connecting import Attempts
from venues.doors.publishers import current_publishers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


@pytest.fixture(autouse=True)
def btcusdt(transactional_db):
    return listed()


def test_subscribe_and_unsubscribe_repeat_the_request_id():
    async def talk():
        async with connected(PUBLIC) as client:
            topics = ["publicTrade.BTCUSDT", "orderbook.50.BTCUSDT"]
            first = await client.ask({"op": "subscribe", "req_id": "a", "args": topics})
            again = await client.ask({"op": "subscribe", "req_id": "b", "args": topics[:1]})
            left = await client.ask({"op": "unsubscribe", "req_id": "c", "args": topics})
            back = await client.ask({"op": "subscribe", "req_id": "d", "args": topics})
        return first, again, left, back

    first, again, left, back = run(talk())
    connection = first["conn_id"]
    assert first == {
        "success": True, "ret_msg": "", "conn_id": connection, "req_id": "a", "op": "subscribe",
    }  # fmt: skip
    assert again["success"] is False
    assert again["ret_msg"] == "error:already subscribed,topic:publicTrade.BTCUSDT"
    assert left == {**first, "req_id": "c", "op": "unsubscribe"}
    assert back == {**first, "req_id": "d"}


def test_pings_are_answered_in_the_form_of_each_socket():
    async def talk():
        async with connected(PUBLIC) as public, connected(PRIVATE) as private:
            return [
                await public.ask({"op": "ping"}),
                await public.ask({"op": "ping", "req_id": "x"}),
                await private.ask({"op": "ping", "req_id": "y"}),
            ]

    plain, named, private = run(talk())
    assert plain == {
        "success": True, "ret_msg": "pong", "conn_id": plain["conn_id"], "req_id": "", "op": "ping",
    }  # fmt: skip
    assert named == {**plain, "req_id": "x"}
    assert (private["op"], private["req_id"]) == ("pong", "y")
    assert private["args"][0].isdecimal()


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("{", "Invalid request data"),
        ("[1]", "must be a JSON object"),
        ({"op": "dance"}, "error:invalid op"),
        ({"op": "subscribe", "args": "orderbook"}, "args must be a list"),
        ({"op": "subscribe", "args": []}, "args is empty"),
        ({"op": "subscribe", "args": ["orderbook.3.BTCUSDT"]}, "error:handler not found"),
        ({"op": "subscribe", "args": ["kline.2.BTCUSDT"]}, "error:handler not found"),
        ({"op": "subscribe", "args": [7]}, "error:handler not found"),
        ({"op": "subscribe", "args": ["tickers.ES"]}, "Invalid symbol :[tickers.ES]"),
    ],
    ids=str,
)
def test_wrong_messages_are_answered_and_the_connection_stays(message, text):
    async def talk():
        async with connected(PUBLIC) as client:
            return await client.ask(message), await client.ask({"op": "ping"})

    refused, pong = run(talk())
    assert refused["success"] is False
    assert text in refused["ret_msg"]
    assert pong["ret_msg"] == "pong"


def test_other_categories_exist_and_have_no_symbols():
    async def talk():
        async with connected("/v5/public/spot") as spot, connected("/v5/public/misc/status") as own:
            return (
                await spot.ask({"op": "subscribe", "args": ["tickers.BTCUSDT"]}),
                await own.ask({"op": "subscribe", "args": ["system.status"]}),
            )

    spot, status = run(talk())
    assert (spot["success"], status["success"]) == (False, True)


def test_private_topics_need_a_login():
    bot = Bot()

    async def talk():
        async with connected(PRIVATE) as client:
            ask = {"op": "subscribe", "req_id": "1", "args": ["order"]}
            before = await client.ask(ask)
            login = await client.ask(bot.login(as_text=True))
            again = await client.ask(bot.login())
            both = await client.ask({**ask, "args": ["order", "order.linear"]})
            unknown = await client.ask({**ask, "args": ["wallet.linear"]})
            return before, login, again, both, unknown, await client.ask(ask)

    before, login, again, both, unknown, after = run(talk())
    assert (before["success"], before["ret_msg"]) == (False, "Request not authorized")
    assert login == {"success": True, "ret_msg": "", "op": "auth", "conn_id": login["conn_id"]}
    assert (again["success"], again["ret_msg"]) == (False, "Repeat auth")
    assert "all-in-one and categorised" in both["ret_msg"]
    assert "handler not found" in unknown["ret_msg"]
    assert after["success"] is True


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"valid_ms": -1}, "expired"), ({"secret": "wrong"}, "signature"), ({}, "unknown API key")],
)
def test_logins_that_prove_nothing_are_refused(changes, text):
    bot = Bot()
    if not changes:
        revoke(bot.model)

    async def talk():
        async with connected(PRIVATE) as client:
            return (
                await client.ask(bot.login(**changes)),
                await client.ask({"op": "auth", "args": ["only a key"]}),
            )

    refused, malformed = run(talk())
    assert refused["success"] is False
    assert text in refused["ret_msg"]
    assert "Params Error" in malformed["ret_msg"]


def test_sockets_of_a_revoked_key_are_closed(monkeypatch):
    monkeypatch.setattr(watch, "BEAT_S", 0.02)
    bot = Bot()

    async def talk():
        from channels.db import database_sync_to_async

        async with connected(PRIVATE) as client:
            await client.ask(bot.login())
            await client.follow("order")
            await database_sync_to_async(revoke)(bot.model)
            return await client.closed()

    assert run(talk()) == sockets.POLICY_VIOLATION


def test_too_large_or_too_many_messages_close_the_connection(monkeypatch):
    monkeypatch.setattr(sockets, "LARGEST_MESSAGE", 200)

    async def talk():
        async with connected(PUBLIC) as client:
            await client.say({"op": "ping", "req_id": "x" * 300})
            large = await client.closed()
        async with connected(PUBLIC) as client:
            for _ in range(3 * sockets.MESSAGES_PER_S):
                await client.say({"op": "ping"})
            return large, await client.closed()

    assert run(talk()) == (sockets.POLICY_VIOLATION, sockets.POLICY_VIOLATION)


def test_all_topics_of_a_connection_have_a_bounded_length(monkeypatch):
    monkeypatch.setattr(streams, "MOST_ARGUMENT_CHARACTERS", 30)

    async def talk():
        async with connected(PUBLIC) as client:
            await client.follow("publicTrade.BTCUSDT")
            return await client.ask({"op": "subscribe", "args": ["tickers.BTCUSDT"]})

    assert "34 characters" in run(talk())["ret_msg"]


def test_an_idle_connection_is_closed(monkeypatch):
    monkeypatch.setattr(socket, "SHORTEST_IDLE_S", 0)
    monkeypatch.setattr(sockets, "CHECK_S", 0.01)

    async def talk():
        async with connected(PUBLIC, query="?max_active_time=0s") as client:
            return await client.closed()

    assert run(talk()) == sockets.IDLE


@pytest.mark.parametrize(
    ("query", "seconds"),
    [(b"", 600), (b"max_active_time=1m", 60), (b"max_active_time=45s", 45),
     (b"max_active_time=5s", 30), (b"max_active_time=60m", 600), (b"max_active_time=x", 600)],
)  # fmt: skip
def test_clients_choose_how_long_they_may_be_idle(query, seconds):
    assert active_time(query) == seconds


def test_an_address_may_not_connect_without_end(monkeypatch):
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    allowed = [attempts.allows("a") for _ in range(connecting.MOST_ATTEMPTS + 1)]
    assert allowed.count(False) == 1
    assert attempts.allows("b")
    now[0] = connecting.WINDOW_S + 1
    assert attempts.allows("a")


def test_without_public_reads_public_sockets_are_refused(settings):
    settings.READS_PUBLIC = False

    async def talk():
        communicator = WebsocketCommunicator(door(), PUBLIC)
        accepted, _ = await communicator.connect()
        return accepted

    assert run(talk()) is False


def test_any_prefix_leads_to_the_sockets():
    async def talk():
        async with connected("/bybit.com/v5/public/linear") as client:
            return await client.ask({"op": "ping"})

    assert run(talk())["ret_msg"] == "pong"


def test_nothing_is_left_after_a_client_has_gone():
    async def talk():
        async with connected(PUBLIC) as client:
            await client.follow("orderbook.50.BTCUSDT", "tickers.BTCUSDT", "kline.1.BTCUSDT")
            await client.hear(lambda message: message.get("topic") == "tickers.BTCUSDT")
        return len(current_publishers()), current_hub().topics

    assert run(talk()) == (0, [])


def test_a_secret_or_signature_never_appears_in_a_reply():
    bot = Bot()

    async def talk():
        async with connected(PRIVATE) as client:
            return json.dumps(await client.ask(bot.login(secret="wrong")))

    assert bot.secret not in run(talk())
