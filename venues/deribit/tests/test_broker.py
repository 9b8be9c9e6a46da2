"""The broker of Deribit trades at our own door, over real sockets."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from exchange.engine.messages import BUY, SELL
from exchange.kinds import MONEY_UNITS
from instruments.lattice import Lattice
from rig.waiting import PATIENCE_S
from venues import accountchanges
from venues.accounts.models import VenueAccount
from venues.accounts.opening import opened as open_account
from venues.brokers import (
    Broker,
    BrokerError,
    Cursor,
    ExecutionSeen,
    Instruction,
    NotSentError,
    OrderSeen,
    RefusedError,
    Style,
    UnknownOutcomeError,
    VenueState,
)
from venues.deribit.client import broker as broker_module
from venues.deribit.client.broker import DeribitBroker
from venues.deribit.client.session import Credentials, Session
from venues.deribit.door import door
from venues.deribit.faultdialect import DeribitDialect
from venues.deribit.tests.clients import LIMIT, MARK, NAME, Client, listed
from venues.faults.injection import Faults
from venues.faults.profiles import Profile
from venues.feeds.events import Contract
from venues.gateway.tests.talking import answered, venue
from venues.tests.markets import in_thread, market
from venues.tests.serving import serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
OURS = "BTC.DERIBIT"
CONTRACTS = {
    OURS: Contract(symbol=NAME, lattice=Lattice(Decimal("0.5"), Decimal(1)), currency="USD")
}


@pytest.fixture(autouse=True)
def no_limits(settings: Settings) -> None:
    settings.DERIBIT_LIMIT_FACTOR = 0.0


def instruction(client_id: str, **changes: Any) -> Instruction:
    wanted = {"side": BUY, "style": Style.POST_ONLY, "lots": 2, "ticks": MARK - 50, **changes}
    return Instruction(client_id=client_id, symbol=OURS, **wanted)


def market_order(client_id: str, side: int = BUY, **changes: Any) -> Instruction:
    return instruction(client_id, side=side, style=Style.MARKET, ticks=0, **changes)


@contextlib.asynccontextmanager
async def opened(
    url: str, key: str = "key", secret: str = "secret", answer_s: float = 10.0
) -> AsyncIterator[Broker]:
    """Open a broker without the pause for orders of an earlier process."""
    credentials = Credentials(key, secret)
    session = Session(url, credentials, answer_s)
    try:
        yield DeribitBroker(url, session, credentials, CONTRACTS, quiet_s=0.0)
    finally:
        await session.close()


@contextlib.asynccontextmanager
async def trading(profile: Profile | None = None, **bot: Any) -> AsyncIterator[Any]:
    """A broker whose door has the faults of a profile, the exchange, and another client."""
    instrument = await in_thread(listed)
    async with market(instrument, mark=MARK) as exchange:
        account = await in_thread(lambda: Client(**bot))
        application: Any = door()
        if profile is not None:
            application = Faults(application, DeribitDialect(), profile, 1)
        async with (
            serving(application) as url,
            opened(
                f"{url}/ws/api/v2", account.key, account.secret, 10.0 if profile is None else 1.0
            ) as broker,
        ):
            yield broker, exchange, account


class Followed:
    """What the changes of an account were so far."""

    def __init__(self) -> None:
        self.changes: list[OrderSeen | ExecutionSeen] = []

    async def follow(self, changes: Any) -> None:
        async with contextlib.aclosing(changes):
            async for change in changes:
                self.changes.append(change)

    async def reach(self, condition: Callable[[list[Any]], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition(self.changes):
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def followed(broker: Broker, since: Cursor | None = None) -> AsyncIterator[Followed]:
    found = Followed()
    task = asyncio.create_task(found.follow(broker.changes(since or Cursor())))
    try:
        yield found
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def has_ended(client_id: str) -> Callable[[list[Any]], bool]:
    return lambda changes: any(
        isinstance(each, OrderSeen)
        and each.client_id == client_id
        and each.report.state is not VenueState.WORKING
        for each in changes
    )


async def test_order_is_placed_once_amended_and_cancelled() -> None:
    async with trading() as (broker, _, _):
        placed = await broker.place(instruction("a"))
        assert await broker.place(instruction("a")) == placed
        assert (placed.symbol, placed.side, placed.report.state) == (OURS, BUY, VenueState.WORKING)
        assert await broker.open_orders() == [placed]
        amended = await broker.amend("a", lots=3, ticks=MARK - 60)
        assert (amended.report.lots, amended.report.ticks) == (3, MARK - 60)
        assert await broker.amend("a", lots=3, ticks=MARK - 60) == amended
        cancelled = await broker.cancel("a")
        assert cancelled.report.state is VenueState.CANCELLED
        assert await broker.cancel("a") == await broker.order("a") == cancelled
        assert await broker.amend("a", lots=1, ticks=MARK) == cancelled
        assert await broker.place(instruction("a")) == cancelled
        assert await broker.open_orders() == []
        assert (await broker.order("never")).report.state is VenueState.UNKNOWN


async def test_fills_positions_and_balance_are_those_of_the_exchange() -> None:
    async with trading() as (broker, _, _):
        before = await broker.balance()
        bought = await broker.place(market_order("a", lots=4))
        assert (bought.report.state, bought.report.filled) == (VenueState.FILLED, 4)
        (execution,) = await broker.executions(0)
        assert (execution.client_id, execution.lots, execution.ticks) == ("a", 4, MARK + 1)
        assert not execution.is_maker
        (position,) = await broker.positions()
        cost = 4 * (MARK + 1) * MONEY_UNITS // 2
        assert (position.symbol, position.lots, position.cost) == (OURS, 4, cost)
        after = await broker.balance()
        assert before.balance - after.balance == execution.fee > 0
        await broker.place(market_order("b", SELL, lots=4, reduce_only=True))
        assert [each.client_id for each in await broker.executions(0)] == ["a", "b"]
        assert [each.client_id for each in await broker.executions(execution.number)] == ["b"]
        assert not any(each.lots for each in await broker.positions())


async def test_rejections_are_orders_and_wrong_requests_are_errors() -> None:
    async with trading() as (broker, _, _):
        taking = await broker.place(instruction("a", ticks=MARK + 3))
        poor = await broker.place(instruction("b", lots=100_000))
        assert {each.report.state for each in (taking, poor)} == {VenueState.REJECTED}
        assert "11054" in taking.reason
        assert (await broker.place(instruction("a", ticks=MARK + 3))).venue_id == taking.venue_id
        with pytest.raises(RefusedError, match="ES is not traded"):
            await broker.place(replace(instruction("c"), symbol="ES"))
        with pytest.raises(RefusedError, match="-32602"):
            await broker.place(instruction("d" * 65))


async def test_key_that_may_not_trade_is_refused() -> None:
    async with trading(can_trade=False) as (broker, _, _):
        with pytest.raises(RefusedError, match="13021"):
            await broker.place(instruction("a"))


async def test_label_of_several_orders_is_refused() -> None:
    async with trading() as (broker, _, client):
        for _ in range(2):
            await in_thread(lambda: client.call("private/buy", **LIMIT, label="twice"))
        for ask in (broker.order("twice"), broker.place(instruction("twice"))):
            with pytest.raises(RefusedError, match="same label twice: labels must be unique"):
                await ask
        await broker.cancel_all(OURS)
        assert await broker.open_orders() == []


async def test_order_whose_answer_is_lost_is_placed_once() -> None:
    lost = Profile(name="lost_answers", shows="", incident="", lost=1.0)
    async with trading(lost) as (broker, _, _):
        for _ in range(3):
            with contextlib.suppress(UnknownOutcomeError):
                await broker.place(instruction("a"))
        assert len(await broker.open_orders()) == 1


async def test_order_that_never_arrived_is_sent_again_when_it_cannot_arrive_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broker_module, "VALID_S", 1.0)
    monkeypatch.setattr(broker_module, "MARGIN_S", 0.2)
    sent: list[dict[str, Any]] = []

    async def deaf(connection: Any) -> None:
        """A venue that drops the connection instead of executing the first order."""
        async for text in connection:
            method, params = (json.loads(text)[name] for name in ("method", "params"))
            if method == "private/buy":
                sent.append(params)
                if len(sent) == 1:
                    await connection.close()
                    return
                row = row_of(params)
                await connection.send(answered(text, result={"order": row, "trades": []}))
            else:
                now = int(asyncio.get_running_loop().time() * 1_000)
                result: Any = now if method == "public/get_time" else []
                await connection.send(answered(text, result=result))

    async with venue(deaf) as url, opened(url) as broker:
        with pytest.raises(UnknownOutcomeError):
            await broker.place(instruction("a"))
        lost_until = sent[0]["valid_until"]
        assert (await broker.place(instruction("a"))).report.state is VenueState.WORKING
        sent_again_at = sent[1]["valid_until"] - 1_000
        assert sent_again_at >= lost_until


def row_of(params: dict[str, Any]) -> dict[str, Any]:
    return {
        "order_id": "1", "instrument_name": NAME, "direction": "buy", "order_state": "open",
        "price": params["price"], "amount": params["amount"], "filled_amount": 0,
        "label": params["label"], "last_update_timestamp": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "error"),
    [(10001, UnknownOutcomeError), (10028, NotSentError), (13888, NotSentError),
     (13009, RefusedError), (-32602, RefusedError)],
)  # fmt: skip
async def test_codes_say_whether_an_order_may_have_been_executed(
    code: int, error: type[BrokerError]
) -> None:
    async def refusing(connection: Any) -> None:
        async for text in connection:
            method = json.loads(text)["method"]
            if method == "private/buy":
                await connection.send(answered(text, error={"code": code, "message": "no"}))
            else:
                result: Any = 1 if method == "public/get_time" else []
                await connection.send(answered(text, result=result))

    async with venue(refusing) as url, opened(url) as broker:
        with pytest.raises(error, match=str(code)):
            await broker.place(instruction("a"))


async def test_order_may_be_looked_up_while_its_answer_is_awaited() -> None:
    has_arrived, may_answer = asyncio.Event(), asyncio.Event()
    rows: list[dict[str, Any]] = []

    async def slow(connection: Any) -> None:
        """A venue that shows an order before it answers the request for it."""

        async def answer(text: str) -> None:
            method, params = (json.loads(text)[name] for name in ("method", "params"))
            result: Any = 1 if method == "public/get_time" else rows
            if method == "private/buy":
                rows.append(row_of(params))
                has_arrived.set()
                await may_answer.wait()
                result = {"order": rows[0], "trades": []}
            await connection.send(answered(text, result=result))

        async with asyncio.TaskGroup() as answers:
            async for text in connection:
                answers.create_task(answer(text))

    async with asyncio.timeout(PATIENCE_S), venue(slow) as url, opened(url) as broker:
        placing = asyncio.create_task(broker.place(instruction("a")))
        await has_arrived.wait()
        assert (await broker.order("a")).report.state is VenueState.WORKING
        may_answer.set()
        assert (await placing).report.state is VenueState.WORKING


async def test_account_is_compared_although_nothing_is_heard_but_heartbeats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accountchanges, "CHECK_S", 0.0)
    has_compared = asyncio.Event()
    comparisons = 0

    async def quiet(connection: Any) -> None:
        nonlocal comparisons
        async for text in connection:
            method, params = (json.loads(text)[name] for name in ("method", "params"))
            comparisons += method.startswith("private/get_user_trades")
            if comparisons > 2:
                has_compared.set()
            reads = {"public/get_time": 1, "private/subscribe": params.get("channels")}
            trades = {"trades": [], "has_more": False}
            reads |= {"private/get_user_trades_by_currency": trades}
            reads |= {"private/get_user_trades_by_currency_and_time": trades}
            await connection.send(answered(text, result=reads.get(method, [])))
            if method == "private/subscribe":
                beat = {"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": "heartbeat"}}
                for _ in range(5):
                    await connection.send(json.dumps(beat))

    async with venue(quiet) as url, opened(url) as broker, followed(broker):
        async with asyncio.timeout(PATIENCE_S):
            await has_compared.wait()


async def test_changes_begin_with_the_past_and_executions_precede_their_orders() -> None:
    async with trading() as (broker, exchange, _):
        await broker.place(market_order("past"))
        async with followed(broker) as seen:
            await seen.reach(has_ended("past"))
            await broker.place(instruction("maker", ticks=MARK))
            await in_thread(exchange.trade, NAME, SELL, 2)
            await seen.reach(has_ended("maker"))
        (*_, last) = await broker.executions(0)
        async with followed(broker, Cursor(executions=last.number)) as later:
            await broker.place(market_order("new"))
            await later.reach(has_ended("new"))
    filled = dict.fromkeys(("past", "maker"), 0)
    for change in seen.changes:
        if isinstance(change, ExecutionSeen):
            filled[change.client_id] += change.lots
        else:
            assert change.report.filled <= filled[change.client_id]
    assert filled == {"past": 2, "maker": 2}
    new = [each for each in later.changes if isinstance(each, ExecutionSeen)]
    assert new[-1].client_id == "new"


async def test_enabled_account_opens_a_broker() -> None:
    instrument = await in_thread(listed)
    async with market(instrument, mark=MARK):
        bot = await in_thread(Client)
        async with serving(door()) as url:
            account = VenueAccount(name="a", venue="deribit", url=url, api_key=bot.key)
            account.secret, account.is_enabled = bot.secret, True
            async with open_account(account, {NAME: instrument}) as broker:
                assert broker.name == "deribit"
                assert await broker.positions() == []
            instrument.lot_size = Decimal("0.01")
            with pytest.raises(RefusedError, match=r"lots of 0\.01, BTC-PERPETUAL at the venue"):
                await open_account(account, {NAME: instrument}).__aenter__()
