"""The kill switch in spite of failures: those of single orders, of bots, and of the venue."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync

from exchange.matching import BUY, SELL
from exchange.models import Account, Order
from exchange.tests.clients import MARK, funded
from exchange.tests.trading import Exchange, open_exchange
from instruments.models import Instrument
from trading import acting, killing
from trading.botdesk import BotDesk
from trading.brokers.inprocess import ExchangeBroker
from trading.core.orderstates import OrderState
from trading.core.risk.limits import Limits
from trading.core.strategies.orders import Order as Wanted
from trading.databasecalls import in_thread
from trading.journeys import StaleError
from trading.models import AuditEntry, Bot, BotOrder, BotPosition, Recovery
from trading.runner import Runner
from trading.sending import ContradictedError, send
from trading.tests.running import GivenBooks, now, wanted_bot
from trading.tickets import Wish
from venues.brokers import (
    Instruction,
    NotSentError,
    OrderReport,
    OrderSeen,
    RefusedError,
    Style,
    VenueState,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_log"),
]
LONG_AGO = now() - timedelta(minutes=1)
LONG = Wanted(BUY, Style.MARKET, 2, 0, False)
RESTING = Wanted(BUY, Style.LIMIT, 3, MARK - 50, False)


@pytest.fixture
def exchange(es: Instrument, account: Account) -> Iterator[Exchange]:
    """An exchange at which nobody buys."""
    with open_exchange(es) as exchange:
        exchange.provide("ES", SELL, MARK + 1, 50)
        with exchange.running():
            yield exchange


class Stubborn(ExchangeBroker):
    """Does not cancel."""

    error: Exception = RefusedError("not now")

    async def cancel(self, client_id: str) -> OrderSeen:
        raise self.error


async def place(desk: BotDesk, es: Instrument, *orders: Wanted) -> None:
    for order in orders:
        await desk.place(Wish(instrument=es, order=order, strategy="test"), Limits())


def lots() -> int:
    return sum(BotPosition.objects.live().values_list("lots", flat=True))


async def test_an_order_that_is_not_cancelled_does_not_keep_positions_open(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    desk = BotDesk(await in_thread(wanted_bot, account), Stubborn(account), now)
    exchange.provide("ES", BUY, MARK - 1, 50)
    await place(desk, es, LONG, RESTING)
    with pytest.raises(RefusedError, match="not now"):
        await desk.flatten()
    assert await in_thread(lots) == 0


async def test_an_order_that_was_never_sent_is_not_left_open(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    desk = BotDesk(await in_thread(wanted_bot, account), ExchangeBroker(account), now)
    wish = Wish(instrument=es, order=RESTING, strategy="test")
    order = await desk._commit(wish, Limits())
    assert await desk.flatten() == (1, 0)  # it may be on its way
    await in_thread(BotOrder.objects.update, sent_at=LONG_AGO)
    assert await desk.flatten() == (0, 0)
    assert (await in_thread(BotOrder.objects.get)).state == OrderState.FAILED
    assert await send(desk.broker, desk.follower, order, again=True)  # never after its end
    order.sent_at = LONG_AGO  # or a first attempt that was held up since then
    assert await send(desk.broker, desk.follower, order)
    assert not await in_thread(Order.objects.exists)


async def test_an_answer_that_cannot_be_true_is_logged_once_and_ends_neither_bot_nor_kill_switch(
    exchange: Exchange, account: Account, es: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lies(_: ExchangeBroker, client_id: str) -> OrderSeen:
        report = OrderReport(number=10**9, state=VenueState.WORKING, lots=0, ticks=MARK)
        return OrderSeen(client_id=client_id, report=report)

    bot = await in_thread(wanted_bot, account, strategy="marketmaker")
    books = GivenBooks(50, 50)
    desk = BotDesk(bot, ExchangeBroker(account), now)
    runner = Runner(desk, books, "runner", now)
    runner._pulse._beaten_at = math.inf
    await runner.round()
    with monkeypatch.context() as lying:
        lying.setattr(ExchangeBroker, "cancel", lies)
        books.at = MARK + 7
        await runner.round()
        with pytest.raises(ContradictedError, match="an order of 0 lots"):
            await desk.flatten()
        await runner.round()  # recovers
    illegal = await in_thread(AuditEntry.objects.filter(action="illegal").count)
    assert illegal == len(desk.contradictions) >= 2
    assert await in_thread(Recovery.objects.exists)
    await runner.round()
    assert await desk.flatten() == (0, 0)


async def test_closing_orders_that_fail_are_repeated_more_and_more_slowly(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    bot = await in_thread(wanted_bot, account)
    desk = BotDesk(bot, ExchangeBroker(account), now)
    await place(desk, es, LONG)
    await in_thread(killing.throw, bot=bot, actor="me", reason="test", at=LONG_AGO)
    runner = Runner(desk, GivenBooks(), "runner", now)
    assert [await runner.round() for _ in range(3)] == [0.25, 0.5, 1.0]
    assert await in_thread(lots) == 2
    exchange.provide("ES", BUY, MARK - 1, 50)
    assert await runner.round() == 0.05
    assert await in_thread(lots) == 0


def test_an_error_of_one_bot_does_not_keep_the_others_from_being_flattened(
    exchange: Exchange, account: Account, es: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Torn(Stubborn):
        error = StaleError("changed meanwhile")

    @asynccontextmanager
    async def opened(bot: Bot) -> AsyncIterator[ExchangeBroker]:
        assert bot.account is not None
        broker = (Torn if bot.name == "b1" else ExchangeBroker)(bot.account)
        yield broker
        await asyncio.to_thread(broker.close)

    monkeypatch.setattr(acting, "opened", opened)
    monkeypatch.setattr(acting, "FLATTEN_S", 1.0)
    bots = [wanted_bot(account), wanted_bot(funded("other"), "b2")]
    for each in bots:
        assert each.account is not None
        broker = ExchangeBroker(each.account)
        async_to_sync(place)(BotDesk(each, broker, now), es, RESTING)
        broker.close()
    torn, flat = acting.kill(bots, bot=None, actor="me", reason="test")
    assert (torn.error, flat.is_flat) == ("changed meanwhile", True)
    (left,) = Order.objects.open()
    assert left.client_id == BotOrder.objects.get(bot=torn.bot).client_id


async def test_a_closing_order_whose_answer_was_lost_is_sent_again_not_doubled(
    exchange: Exchange, account: Account, es: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.provide("ES", BUY, MARK - 1, 50)
    desk = BotDesk(await in_thread(wanted_bot, account), ExchangeBroker(account), now)
    await place(desk, es, LONG)
    sent, is_away = ExchangeBroker.place, [True]

    async def placed(broker: ExchangeBroker, order: Instruction) -> OrderSeen:
        if is_away:
            raise NotSentError("the exchange is closed")
        return await sent(broker, order)

    monkeypatch.setattr(ExchangeBroker, "place", placed)
    monkeypatch.setattr("trading.sending.FIRST_PAUSE_S", 0.0)
    assert await desk.flatten() == (1, 1)
    is_away.clear()
    assert await desk.flatten() == (0, 0)
    assert await in_thread(BotOrder.objects.filter(reduce_only=True).count) == 1
