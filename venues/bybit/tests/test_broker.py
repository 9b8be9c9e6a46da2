"""The broker of Bybit trades at our own door, over real sockets."""

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import orjson
import pytest

from exchange.engine.messages import BUY, SELL
from exchange.kinds import MONEY_UNITS
from exchange.tests.clients import MARK
from instruments.lattice import Lattice
from rig.waiting import PATIENCE_S
from venues.accounts.models import VenueAccount
from venues.accounts.opening import opened as open_account
from venues.brokers import (
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
from venues.bybit.client.addresses import Addresses
from venues.bybit.client.broker import opened
from venues.bybit.client.rest import Credentials
from venues.bybit.door import door
from venues.bybit.faultdialect import BybitDialect
from venues.bybit.sockets.tests.talking import Bot, listed_lately
from venues.bybit.tests.serving import served
from venues.faults.injection import Faults
from venues.faults.profiles import Profile
from venues.feeds.events import Contract
from venues.tests.markets import in_thread, market

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
OURS = "BTCUSDT.BYBIT"
CONTRACTS = {
    OURS: Contract(
        symbol="BTCUSDT", lattice=Lattice(Decimal("0.1"), Decimal("0.001")), currency="USDT"
    )
}


@pytest.fixture(autouse=True)
def no_limits(settings):
    settings.BYBIT_LIMIT_FACTOR = 0.0


def instruction(client_id, **changes):
    wanted = {"side": BUY, "style": Style.POST_ONLY, "lots": 10, "ticks": MARK - 50, **changes}
    return Instruction(client_id=client_id, symbol=OURS, **wanted)


def market_order(client_id, side=BUY, **changes):
    return instruction(client_id, side=side, style=Style.MARKET, ticks=0, **changes)


@asynccontextmanager
async def trading(profile=None, *, is_running=True, **bot):
    """A broker whose door has the faults of a profile, the account, and the exchange."""
    instrument = await in_thread(listed_lately)
    async with market(instrument, is_running=is_running) as exchange:
        account = await in_thread(lambda: Bot(**bot))
        application = door()
        if profile is not None:
            application = Faults(application, BybitDialect(), profile, 1)
        credentials = Credentials(account.key, account.secret)
        async with (
            served(application) as url,
            opened(Addresses.below(url), credentials, CONTRACTS) as broker,
        ):
            yield broker, exchange


class Followed:
    """What the changes of an account were so far."""

    def __init__(self):
        self.changes = []

    async def follow(self, changes):
        async with contextlib.aclosing(changes):
            async for change in changes:
                self.changes.append(change)

    async def reach(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not condition(self.changes):
                await asyncio.sleep(0.01)


@asynccontextmanager
async def followed(broker, since=None):
    found = Followed()
    task = asyncio.create_task(found.follow(broker.changes(since or Cursor())))
    try:
        yield found
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def has_ended(client_id):
    return lambda changes: any(
        isinstance(each, OrderSeen)
        and each.client_id == client_id
        and each.report.state is not VenueState.WORKING
        for each in changes
    )


async def test_an_order_is_placed_once_amended_and_cancelled():
    async with trading() as (broker, _):
        placed = await broker.place(instruction("a"))
        again = await broker.place(instruction("a"))
        assert placed == again
        assert (placed.symbol, placed.side, placed.report.state) == (OURS, BUY, VenueState.WORKING)
        assert await broker.open_orders() == [placed]
        amended = await broker.amend("a", lots=7, ticks=MARK - 60)
        assert (amended.report.lots, amended.report.ticks) == (7, MARK - 60)
        assert await broker.amend("a", lots=7, ticks=MARK - 60) == amended
        cancelled = await broker.cancel("a")
        assert cancelled.report.state is VenueState.CANCELLED
        assert await broker.cancel("a") == await broker.order("a") == cancelled
        assert await broker.amend("a", lots=1, ticks=MARK) == cancelled
        assert await broker.open_orders() == []
        assert (await broker.order("never")).report.state is VenueState.UNKNOWN


async def test_fills_positions_and_balance_are_those_of_the_exchange():
    async with trading() as (broker, _):
        before = await broker.balance()
        bought = await broker.place(market_order("a", lots=20))
        assert (bought.report.state, bought.report.filled) == (VenueState.FILLED, 20)
        (execution,) = await broker.executions(0)
        assert (execution.client_id, execution.lots, execution.ticks) == ("a", 20, MARK + 1)
        assert not execution.is_maker
        (position,) = await broker.positions()
        cost = 20 * (MARK + 1) * MONEY_UNITS // 10_000
        assert (position.symbol, position.lots, position.cost) == (OURS, 20, cost)
        after = await broker.balance()
        assert before.balance - after.balance == execution.fee > 0
        await broker.place(market_order("b", SELL, lots=20, reduce_only=True))
        assert [each.client_id for each in await broker.executions(0)] == ["a", "b"]
        assert [each.client_id for each in await broker.executions(execution.number)] == ["b"]
        assert not any(each.lots for each in await broker.positions())


async def test_rejections_of_the_venue_are_orders_and_wrong_requests_are_errors():
    async with trading() as (broker, _):
        taking = await broker.place(instruction("a", ticks=MARK + 3))
        poor = await broker.place(instruction("b", lots=10_000_000))
        assert {each.report.state for each in (taking, poor)} == {VenueState.REJECTED}
        assert "110007" in poor.reason
        with pytest.raises(RefusedError, match="ES is not traded"):
            await broker.place(Instruction(client_id="c", symbol="ES", side=BUY,
                                           style=Style.MARKET, lots=1))  # fmt: skip
        with pytest.raises(RefusedError, match="10001"):
            await broker.place(instruction("d" * 40))


async def test_a_key_that_may_not_trade_is_refused():
    async with trading(can_trade=False) as (broker, _):
        with pytest.raises(RefusedError, match="10005"):
            await broker.place(instruction("a"))


@pytest.mark.parametrize(
    ("code", "error"),
    [(429, UnknownOutcomeError), (10000, UnknownOutcomeError), (10014, UnknownOutcomeError),
     (10018, NotSentError), (10429, NotSentError)],
)  # fmt: skip
async def test_an_order_that_the_venue_may_have_taken_is_not_called_rejected(code, error):
    body = {"retCode": code, "retMsg": "later", "result": {"list": []}, "time": 1}

    async def venue(scope, receive, send):
        is_order = scope["path"].endswith("/create")
        answer = orjson.dumps(body if is_order else {**body, "retCode": 0})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer})

    async with (
        served(venue) as url,
        opened(Addresses.below(url), Credentials("key", "secret"), CONTRACTS) as broker,
    ):
        with pytest.raises(error, match=str(code)):
            await broker.place(instruction("a"))


async def test_all_orders_are_cancelled_at_once():
    async with trading() as (broker, _):
        for name in "ab":
            await broker.place(instruction(name))
        await broker.cancel_all(OURS)
        async with asyncio.timeout(PATIENCE_S):
            while await broker.open_orders():
                await asyncio.sleep(0.01)


async def test_changes_begin_with_the_past_and_executions_precede_their_orders():
    async with trading() as (broker, exchange):
        await broker.place(market_order("past"))
        async with followed(broker) as seen:
            await seen.reach(has_ended("past"))
            await broker.place(instruction("maker", ticks=MARK))
            await in_thread(exchange.trade, "BTCUSDT", SELL, 10)
            await seen.reach(has_ended("maker"))
    filled = dict.fromkeys(("past", "maker"), 0)
    for change in seen.changes:
        if isinstance(change, ExecutionSeen):
            filled[change.client_id] += change.lots
        else:
            assert change.report.filled <= filled[change.client_id]
    assert filled == {"past": 10, "maker": 10}


async def test_changes_go_on_where_a_cursor_ends():
    async with trading() as (broker, _):
        await broker.place(market_order("old"))
        (execution,) = await broker.executions(0)
        async with followed(broker, Cursor(executions=execution.number)) as seen:
            await broker.place(market_order("new"))
            await seen.reach(has_ended("new"))
    new = [each for each in seen.changes if isinstance(each, ExecutionSeen)]
    assert [each.client_id for each in new][-1] == "new"


async def test_an_order_that_is_first_seen_while_it_waits_is_seen_to_end():
    async with trading(is_running=False) as (broker, exchange):
        placing = asyncio.create_task(broker.place(market_order("new")))
        async with asyncio.timeout(PATIENCE_S):
            while (await broker.order("new")).report.state is VenueState.UNKNOWN:
                await asyncio.sleep(0.01)
        async with followed(broker) as seen:
            await seen.reach(bool)
            assert [each.report.state for each in seen.changes] == [VenueState.WORKING]
            await in_thread(exchange.execute)
            await seen.reach(has_ended("new"))
        assert (await placing).report.state is VenueState.FILLED


async def test_an_order_whose_answer_is_lost_is_placed_once():
    lost = Profile(name="lost_answers", shows="", incident="", lost=1.0)
    async with trading(lost) as (broker, _):
        with pytest.raises(UnknownOutcomeError):
            await broker.place(instruction("a"))
        async with asyncio.timeout(PATIENCE_S):
            while (await broker.order("a")).report.state is VenueState.UNKNOWN:
                await asyncio.sleep(0.01)
        assert len(await broker.open_orders()) == 1


async def test_a_wrong_clock_is_measured_and_limits_are_waited_for(settings, monkeypatch):
    settings.BYBIT_LIMIT_FACTOR = 0.1
    monkeypatch.setattr("venues.doors.clock._skew_ns", -4_000_000_000)
    async with trading() as (broker, _):
        for name in "ab":
            assert (await broker.place(instruction(name))).report.state is VenueState.WORKING


async def test_an_enabled_account_opens_a_broker_for_instruments_with_the_steps_of_the_venue():
    instrument = await in_thread(listed_lately)
    async with market(instrument):
        bot = await in_thread(Bot)
        async with served(door()) as url:
            account = VenueAccount(name="a", venue="bybit", url=url, api_key=bot.key)
            account.secret, account.is_enabled = bot.secret, True
            async with open_account(account, {"BTCUSDT": instrument}) as broker:
                wanted = replace(instruction("a"), symbol="BTCUSDT")
                assert (await broker.place(wanted)).report.state is VenueState.WORKING
            instrument.lot_size = Decimal("0.01")
            with pytest.raises(RefusedError, match=r"lots of 0\.01, BTCUSDT at the venue"):
                await open_account(account, {"BTCUSDT": instrument}).__aenter__()
