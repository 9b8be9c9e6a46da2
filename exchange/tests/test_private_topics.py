"""Private topics: who gets them, nobody else does, and each row is seen once."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ParamSpec, TypeVar

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from exchange.accounts import submission
from exchange.accounts.opening import create_key, open_account, revoke
from exchange.accounts.signatures import signature, stream_text
from exchange.accounts.submission import NewOrder, Sender
from exchange.accounts.traders import SESSION_ACCOUNT
from exchange.clearing.orders import OrderType
from exchange.kinds import MONEY_UNITS
from exchange.matching import BUY, SELL
from exchange.models import Account, ApiKey, Command
from exchange.tests.clients import MARK, basic, funded, listed
from exchange.tests.trading import Exchange, open_exchange
from instruments.models import Instrument
from live import watch
from live.broadcast import Broadcaster
from pytrade.asgi import application

P = ParamSpec("P")
T = TypeVar("T")

pytestmark = pytest.mark.django_db(transaction=True)
MOST_S = 30
TOPICS = ["orders", "executions", "positions", "balance"]
Headers = list[tuple[bytes, bytes]]


class Socket:
    """A client of the stream."""

    def __init__(self, headers: Headers | None = None, query: str = "") -> None:
        self._socket = WebsocketCommunicator(application, f"/ws/v1/stream{query}", headers=headers)
        self.seen: list[dict[str, Any]] = []
        self._unread: list[dict[str, Any]] = []

    async def send(self, **message: Any) -> dict[str, Any]:
        """Send an operation and return its answer."""
        await self._socket.send_json_to(message)
        return await self.until(lambda frame: "op" in frame)

    async def until(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the next frame that is meant; keep the others for later."""
        while not (found := [frame for frame in self._unread if is_it(frame)]):
            frame = json.loads(await self._socket.receive_from(MOST_S))
            self.seen.append(frame)
            self._unread.append(frame)
        self._unread.remove(found[0])
        return found[0]

    async def state_of(self, topic: str) -> Any:
        return (await self.until(lambda frame: frame.get("topic") == topic))["data"]

    async def rows_of(self, topic: str, last: int) -> list[list[Any]]:
        """Return the rows of a topic since the last call, up to seq `last`."""
        rows: list[list[Any]] = []
        while not rows or rows[-1][0] < last:
            rows += (await self.until(lambda frame: frame.get("topic") == topic))["data"]
        return rows

    async def closed(self) -> int:
        while (message := await self._socket.receive_output(MOST_S))["type"] != "websocket.close":
            pass
        return int(message["code"])


@asynccontextmanager
async def socket(headers: Headers | None = None, query: str = "") -> AsyncIterator[Socket]:
    made = Socket(headers, query)
    await made._socket.connect()
    try:
        yield made
    finally:
        await made._socket.disconnect()


async def in_thread(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    result: T = await database_sync_to_async(function)(*arguments, **named)
    return result


def credentials(key: ApiKey, secret: str, ahead_ms: int = 10_000) -> list[Any]:
    expires_ms = round(time.time() * 1000) + ahead_ms
    return [key.key, expires_ms, signature(secret, stream_text(expires_ms))]


def trade(account: Account, es: Instrument, side: int, lots: int, ticks: int = 0) -> Command:
    kind = OrderType.LIMIT if ticks else OrderType.MARKET
    order = NewOrder(instrument=es, side=side, type=kind, lots=lots, ticks=ticks)
    return submission.place(Sender(account=account), order)


@asynccontextmanager
async def market(es: Instrument) -> AsyncIterator[Exchange]:
    """An exchange that publishes on this event loop."""
    broadcaster = Broadcaster([es], asyncio.get_running_loop())
    context = open_exchange(es, publish=broadcaster.publish)
    exchange = await in_thread(context.__enter__)
    await in_thread(exchange.provide, "ES", BUY, MARK - 1, 50)
    await in_thread(exchange.provide, "ES", SELL, MARK + 1, 50)
    try:
        yield exchange
    finally:
        await in_thread(context.__exit__, None, None, None)


@pytest.fixture
def es() -> Instrument:
    return listed("ES")


@pytest.fixture
def account() -> Account:
    return funded()


async def test_private_topics_begin_with_what_is_and_follow_what_happens(
    es: Instrument, account: Account
) -> None:
    made = await in_thread(create_key, account)
    async with market(es) as exchange, socket() as client:
        assert (await client.send(op="auth", args=credentials(*made), req_id=1)) == {
            "op": "auth", "success": True, "req_id": 1,
        }  # fmt: skip
        answer = await client.send(op="subscribe", args=TOPICS)
        assert answer == {"op": "subscribe", "success": True, "args": TOPICS}
        assert await client.state_of("positions") == []
        assert await client.state_of("balance") == {"balance": 100_000}
        await in_thread(trade, account, es, BUY, 3)
        await in_thread(trade, account, es, BUY, 2, MARK - 4)
        await in_thread(exchange.execute)
        (filled, resting) = await client.rows_of("orders", 2)
        assert filled[3:6] == [None, "ES", "filled"]
        assert resting[5:11] == ["new", "accepted", "buy", 4999, 2, 0]
        (fill,) = await client.rows_of("executions", 1)
        assert fill[3:8] == ["ES", "buy", 5000.25, 3, "taker"]
        (held,) = await client.state_of("positions")
        assert (held["quantity"], held["entry_price"]) == (3, 5000.25)
        assert (await client.state_of("balance"))["balance"] < 100_000
        assert f'"{account.pk}"' not in json.dumps(client.seen)
        assert not [f for f in client.seen if "." in f.get("topic", "")]


async def test_rows_missed_between_two_sockets_come_once(es: Instrument, account: Account) -> None:
    made = await in_thread(create_key, account)
    seen: list[int] = []
    async with market(es) as exchange:
        for batch in range(1, 4):
            async with socket() as client:
                await client.send(op="auth", args=credentials(*made))
                since = {"orders": seen[-1] if seen else 0, "executions": 0}
                await client.send(op="subscribe", args=["orders", "executions"], since=since)
                for _ in range(2):
                    await in_thread(trade, account, es, BUY, 1)
                    await in_thread(exchange.execute)
                seen += [row[0] for row in await client.rows_of("orders", 3 * batch - 1)]
                fills = await client.rows_of("executions", 3 * batch - 1)
                assert [row[0] for row in fills] == list(range(1, 3 * batch))
            await in_thread(trade, account, es, BUY, 1)
            await in_thread(exchange.execute)
        async with socket() as client:
            await client.send(op="auth", args=credentials(*made))
            await client.send(op="subscribe", args=["orders"], since={"orders": 1000})
            reset = await client.until(lambda frame: frame.get("type") == "reset")
            assert reset == {"topic": "orders", "type": "reset", "last_seq": 9}
    assert seen == list(range(1, 9))


async def test_events_of_several_instruments_arrive_in_the_order_of_the_account(
    es: Instrument, account: Account
) -> None:
    nq = await in_thread(listed, "NQ")
    made = await in_thread(create_key, account)
    broadcaster = Broadcaster([es, nq], asyncio.get_running_loop())
    context = open_exchange(es, nq, publish=broadcaster.publish)
    exchange = await in_thread(context.__enter__)
    async with socket() as client:
        await client.send(op="auth", args=credentials(*made))
        await client.send(op="subscribe", args=["orders"], since={"orders": 0})

        def cross() -> None:
            for instrument in (es, nq, es, nq, es):
                trade(account, instrument, BUY, 1, MARK - 9)
            exchange.execute(store_each=False)

        await in_thread(cross)
        rows = await client.rows_of("orders", 5)
    assert [(row[0], row[4]) for row in rows] == [
        (1, "ES"), (2, "NQ"), (3, "ES"), (4, "NQ"), (5, "ES"),
    ]  # fmt: skip
    assert not [frame for frame in client.seen if frame.get("type") == "gap"]
    await in_thread(context.__exit__, None, None, None)


async def test_topics_of_other_accounts_cannot_be_named(es: Instrument, account: Account) -> None:
    victim = await in_thread(funded, "victim")
    made = await in_thread(create_key, account)
    attacks = [
        f"orders.{victim.pk}",
        f"orders.{account.pk}",
        "orders.*",
        f"balance.{victim.pk}",
        "orders.",
        f"orders.{victim.pk}.ES",
        f"positions.{victim.pk}",
        f"executions.ES.{victim.pk}",
    ]
    async with market(es) as exchange, socket() as client:
        for _ in range(2):
            for attack in attacks:
                for op in ("subscribe", "unsubscribe"):
                    answer = await client.send(op=op, args=[attack], since={attack: 0})
                    assert (answer["op"], answer["code"]) == ("error", "unknown_topic")
            await client.send(op="auth", args=credentials(*made))
        answer = await client.send(op="subscribe", args=["orders", f"orders.{victim.pk}"])
        assert answer["code"] == "unknown_topic"
        since = {f"orders.{victim.pk}": 0, "orders": 0}
        assert (await client.send(op="subscribe", args=["orders"], since=since))["success"]
        await in_thread(trade, victim, es, BUY, 1)
        await in_thread(trade, account, es, BUY, 2)
        await in_thread(exchange.execute)
        await client.rows_of("orders", 1)
        frames = [frame for frame in client.seen if "topic" in frame]
        assert [row[9] for frame in frames for row in frame["data"]] == [2]
    for topic in (f"orders.{victim.pk}", "orders"):
        refused = await in_thread(Client().get, f"/api/v1/stream/?topics={topic}")
        assert refused.status_code == 400


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ([], "bad_args"),
        (["k"], "bad_args"),
        (["k", "1", "s"], "bad_args"),
        (["k", True, "s"], "bad_args"),
        ([7, 1, "s"], "bad_args"),
        (["k", 1, "s"], "auth_failed"),
        (["k", 10**17, "s"], "auth_failed"),
        (["nobody", None, "s"], "auth_failed"),
        (["a\0b", None, "\xff"], "auth_failed"),
    ],
)
async def test_wrong_auth_is_answered_and_opens_nothing(args: list[Any], code: str) -> None:
    async with socket() as client:
        soon = round(time.time() * 1000) + 5_000
        given = [soon if each is None else each for each in args]
        answer = await client.send(op="auth", args=given, req_id="x")
        assert (answer["op"], answer["code"], answer["req_id"]) == ("error", code, "x")
        for topic in TOPICS:
            refused = await client.send(op="subscribe", args=[topic])
            assert refused["code"] == "not_authenticated"


async def test_wrong_signatures_have_one_answer(account: Account) -> None:
    good = await in_thread(create_key, account)
    gone = await in_thread(create_key, account)
    await in_thread(revoke, gone.key)
    details = set()
    async with socket() as client:
        for key, secret in ((good.key, "x"), (gone.key, gone.secret), (ApiKey(key="no"), "x")):
            details.add((await client.send(op="auth", args=credentials(key, secret)))["detail"])
    assert len(details) == 1


async def test_socket_belongs_to_one_account(account: Account) -> None:
    mine, same = await in_thread(create_key, account), await in_thread(create_key, account)
    other = await in_thread(create_key, await in_thread(funded, "b"))
    async with socket() as client:
        assert (await client.send(op="auth", args=credentials(*mine)))["success"]
        refused = await client.send(op="auth", args=credentials(*other))
        assert (refused["code"], refused["detail"]) == (
            "auth_failed", "this socket is authenticated for another account; open another one",
        )  # fmt: skip
        assert (await client.send(op="auth", args=credentials(*same)))["success"]
        assert (await client.send(op="subscribe", args=["balance"]))["success"]


async def test_sessions_tokens_and_basic_keys_need_no_auth(account: Account) -> None:
    made = await in_thread(create_key, account)

    def session(**data: Any) -> Headers:
        store = SessionStore()
        store.update(data)
        store.create()
        return [(b"cookie", f"a=b; sessionid={store.session_key}".encode())]

    proofs: list[Headers] = [
        [(b"authorization", basic(made.key, made.secret)["Authorization"].encode())],
        await in_thread(session, **{SESSION_ACCOUNT: account.pk}),
    ]
    for headers in proofs:
        async with socket(headers) as client:
            await client.send(op="subscribe", args=["balance"])
            assert await client.state_of("balance") == {"balance": 100_000}
    for headers in ([], await in_thread(session), await in_thread(session, account="x")):
        async with socket(headers) as client:
            answer = await client.send(op="subscribe", args=["balance"])
            assert answer["code"] == "not_authenticated"


async def test_handshake_names_one_of_several_accounts() -> None:
    client = Client()
    user = await in_thread(User.objects.create_user, "u")
    for name, balance in (("mine", 10), ("my second", 20)):
        await in_thread(open_account, name=name, balance=balance * MONEY_UNITS, owner=user)
    await in_thread(open_account, name="others", balance=0)
    await in_thread(client.force_login, user)
    cookie = [(b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())]
    for name, balance in (("mine", 10), ("my+second", 20)):
        async with socket(cookie, f"?account={name}") as named:
            assert (await named.send(op="subscribe", args=["balance"]))["success"]
            assert await named.state_of("balance") == {"balance": balance}
    for query in ("", "?account=others"):
        async with socket(cookie, query) as unclear:
            answer = await unclear.send(op="subscribe", args=["balance"])
            assert answer["code"] == "not_authenticated"


async def test_sockets_of_revoked_keys_and_ended_sessions_are_closed(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "BEAT_S", 0.02)
    made = await in_thread(create_key, account)
    client = Client()
    user = await in_thread(User.objects.create_user, "u")
    await in_thread(open_account, name="of u", balance=0, owner=user)
    await in_thread(client.force_login, user)
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    async with socket() as by_key, socket([(b"cookie", cookie)]) as by_session:
        await by_key.send(op="auth", args=credentials(*made))
        for each in (by_key, by_session):
            assert (await each.send(op="subscribe", args=["balance"]))["success"]
        await in_thread(revoke, made.key)
        assert await by_key.closed() == 1008
        await in_thread(client.logout)
        assert await by_session.closed() == 1008


async def test_last_socket_of_a_key_cancels_all_orders_if_the_key_says_so(
    es: Instrument, account: Account
) -> None:
    careful = await in_thread(create_key, account, cancel_on_disconnect=True)
    careless = await in_thread(create_key, account)
    async with market(es) as exchange:
        await in_thread(trade, account, es, BUY, 1, MARK - 9)
        await in_thread(exchange.execute)
        async with socket() as first:
            await first.send(op="auth", args=credentials(*careful))
            await first.send(op="auth", args=credentials(*careful))
            async with socket() as second, socket() as other:
                await second.send(op="auth", args=credentials(*careful))
                await other.send(op="auth", args=credentials(*careless))
            assert await in_thread(exchange.execute) == 0
        assert await in_thread(exchange.execute) == 1
        order = await in_thread(account.orders.get)
        assert order.get_state_display() == "cancelled"


async def test_deposit_reaches_the_balance_topic(es: Instrument, account: Account) -> None:
    made = await in_thread(create_key, account)
    async with market(es) as exchange, socket() as client:
        await client.send(op="auth", args=credentials(*made))
        await client.send(op="subscribe", args=["balance"])
        await client.state_of("balance")
        await in_thread(submission.move_money, Sender(account=account), 5 * MONEY_UNITS)
        await in_thread(exchange.execute)
        assert await client.state_of("balance") == {"balance": 100_005}
