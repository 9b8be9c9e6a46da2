"""The WebSocket as JSON-RPC: ids, errors, heartbeats, credits; without a market."""

import pytest

from venues.deribit.rest import ROOT
from venues.deribit.sockets import socket
from venues.deribit.tests.clients import post
from venues.deribit.tests.talking import connected, run
from venues.doors import sockets

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


def test_answers_carry_id_times_and_result():
    async def talk():
        async with connected() as client:
            return await client.ask("public/hello", client_name="bot", client_version="1")

    answer = run(talk())
    assert answer == {
        "jsonrpc": "2.0", "id": 1, "testnet": False, "result": {"version": "1.2.26"},
        "usIn": answer["usIn"], "usOut": answer["usOut"],
        "usDiff": answer["usOut"] - answer["usIn"],
    }  # fmt: skip
    assert answer["usDiff"] >= 0


def test_what_is_wrong_is_named():
    async def talk():
        async with connected() as client:
            await client.say("{")
            unparsed = await client.hear()
            await client.say({"method": "public/test"})
            without_id = await client.hear()
            return (
                unparsed["error"]["code"],
                without_id["error"]["code"],
                await client.refused("public/nonsense"),
                await client.refused("public/hello", client_name="bot"),
                await client.refused("private/buy", instrument_name="BTC-PERPETUAL"),
                await client.refused("private/subscribe", channels=["user.orders.any.any.raw"]),
                await client.refused("public/subscribe", channels=["book.BTC-PERPETUAL.raw"]),
                await client.refused("public/set_heartbeat", interval=9),
                await client.refused("public/ticker", access_token="x"),
            )

    *codes, nonsense, hello, buy, private, raw, heartbeat, token = run(talk())
    assert codes == [-32700, -32600]
    assert nonsense[0] == -32601
    assert hello == (-32602, {"reason": "is missing", "param": "client_version"})
    assert (buy, private, raw) == ((10000, {}), (10000, {}), (13778, {}))
    assert heartbeat[0] == -32602
    assert heartbeat[1]["param"] == "interval"
    assert token == (13009, {"reason": "the token is not one of this site"})


@pytest.mark.parametrize("request_id", [2**70, -(2**64), "\ud800", "a" * 129])
def test_ids_that_no_answer_could_repeat_are_refused(request_id):
    async def talk():
        async with connected() as client:
            await client.say({"id": request_id, "method": "public/test"})
            refused = await client.hear()
            names = ["\ud800"]
            return refused, await client.refused("public/subscribe", channels=names)

    refused, channels = run(talk())
    assert (refused["error"]["code"], "id" in refused) == (-32600, False)
    assert channels == (-32602, {"reason": "must contain printable texts only",
                                 "param": "channels"})  # fmt: skip
    body = post({"id": request_id, "method": "public/test"})
    assert body["error"]["code"] == -32600
    assert post({"method": "\ud800"}, f"{ROOT}/public/test")["error"]["code"] == -32600


def test_client_that_does_not_answer_a_test_request_is_disconnected(monkeypatch):
    monkeypatch.setattr(socket, "SHORTEST_S", 0)

    async def talk():
        async with connected() as client:
            assert await client.call("public/set_heartbeat", interval=0) == "ok"
            beats = [await client.hear() for _ in range(2)]
            return beats, await client.closed()

    beats, code = run(talk())
    assert beats == [
        {"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": "heartbeat"}},
        {"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": "test_request"}},
    ]
    assert code == socket.NO_HEARTBEAT


def test_heartbeats_can_be_disabled():
    async def talk():
        async with connected() as client:
            await client.call("public/set_heartbeat", interval=10)
            await client.call("public/disable_heartbeat")
            return await client.call("public/test")

    assert run(talk()) == {"version": "1.2.26"}


def test_exhausted_credits_end_the_session(settings):
    settings.DERIBIT_LIMIT_FACTOR = 1e-9  # one request

    async def talk():
        async with connected() as client:
            first = await client.call("public/get_time")
            refused = await client.refused("public/get_time")
            return first, refused, await client.closed()

    first, refused, code = run(talk())
    assert first > 0
    assert (refused, code) == ((10028, {}), sockets.POLICY_VIOLATION)


def test_guessed_tokens_cost_credits(settings):
    settings.DERIBIT_LIMIT_FACTOR = 1e-9  # one request

    async def talk():
        async with connected() as client:
            tries = [await client.refused("private/get_positions", access_token="x")
                     for _ in range(2)]  # fmt: skip
            return [code for code, _ in tries], await client.closed()

    assert run(talk()) == ([13009, 10028], sockets.POLICY_VIOLATION)


def test_logout_needs_a_login():
    async def talk():
        async with connected() as client:
            return await client.refused("private/logout")

    assert run(talk()) == (10000, {})
