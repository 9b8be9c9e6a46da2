"""Bots run, stop and die, with the real exchange."""

import asyncio
import math
from datetime import timedelta

import pytest

from exchange.matching import BUY, SELL
from exchange.models import Account, Order
from exchange.tests.clients import MARK, funded
from exchange.tests.trading import Exchange
from instruments.models import Instrument
from rig.waiting import PATIENCE_S
from trading import killing, owning, runner
from trading.botdesk import BotDesk
from trading.brokers.inprocess import ExchangeBroker
from trading.core.orderstates import OrderState
from trading.core.risk.limits import Limits
from trading.core.strategies.orders import Order as Wanted
from trading.databasecalls import in_thread
from trading.models import (
    AuditEntry,
    Bot,
    BotConfiguration,
    BotOrder,
    BotPosition,
    Recovery,
)
from trading.models.bots import OnDeath
from trading.owning import DEAD_AFTER
from trading.runner import Runner
from trading.supervisor import Supervisor
from trading.tests.running import (
    GivenBooks,
    lots,
    now,
    resting,
    supervised,
    until,
    violations,
    wanted_bot,
)
from trading.tickets import Wish
from venues.brokers import (
    NotSentError,
    OrderSeen,
    PositionSeen,
    Style,
    UnknownOutcomeError,
)

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_log", "short_beats"),
]


@pytest.mark.both_databases
async def test_a_bot_follows_the_imbalance_until_it_is_stopped(
    exchange: Exchange, account: Account
) -> None:
    market = GivenBooks(90, 10)
    bot = await in_thread(wanted_bot, account)
    async with supervised(market):
        await until(lambda: lots() == 1, "the bot is long")
        market.set(10, 90)
        await until(lambda: lots() == -1, "the bot is short")
        market.set(50, 50)
        await until(lambda: lots() == 0, "the bot is out")
        beaten = await in_thread(Bot.objects.get)
        assert beaten.equity > 0
        await in_thread(owning.want, bot, is_wanted=False, actor="me", at=now())
        await until(lambda: Bot.objects.filter(runner="").exists(), "the bot has ended")
    assert await in_thread(violations) == []
    (there,) = await ExchangeBroker(account).positions()
    stored = await in_thread(lambda: list(BotPosition.objects.all()))
    assert sum(each.realised for each in stored) == there.realised
    assert sum(each.fees for each in stored) == there.fees
    order = await in_thread(BotOrder.objects.earliest, "id")
    assert order.context["signal"]["imbalance"] == 0.9


async def test_a_market_maker_quotes_both_sides_and_leaves_nothing_when_it_stops(
    exchange: Exchange, account: Account
) -> None:
    bot = await in_thread(wanted_bot, account, strategy="marketmaker")
    async with supervised(GivenBooks(50, 50)):
        sides = {(BUY, MARK - 1), (SELL, MARK + 1)}
        await until(
            lambda: set(Order.objects.open().values_list("side", "ticks")) == sides, "two quotes"
        )
        await in_thread(owning.want, bot, is_wanted=False, actor="me", at=now())
        await until(lambda: Bot.objects.filter(runner="").exists(), "the bot has ended")
    assert not await in_thread(Order.objects.open().exists)


async def test_the_kill_switch_flattens_a_running_bot_and_blocks_it(
    exchange: Exchange, account: Account
) -> None:
    bot = await in_thread(wanted_bot, account)
    async with supervised(GivenBooks(90, 10)):
        await until(lambda: lots() == 1, "the bot is long")
        await in_thread(killing.throw, bot=bot, actor="me", reason="test", at=now())
        await until(lambda: lots() == 0, "the bot is flat")
        await in_thread(killing.release, bot=bot, actor="me", at=now())
        await until(lambda: lots() == 1, "the bot trades again")
    assert await in_thread(violations) == []


async def test_risk_refuses_what_a_strategy_wants(exchange: Exchange, account: Account) -> None:
    await in_thread(wanted_bot, account, limits={"max_exposure": 100})
    async with supervised(GivenBooks(90, 10)):
        refused = AuditEntry.objects.filter(action="refuse")
        await until(refused.exists, "an order was refused")
    assert "bot.max_exposure" in (await in_thread(refused.earliest, "seq")).detail
    assert not await in_thread(BotOrder.objects.exists)


@pytest.mark.both_databases
@pytest.mark.parametrize("rule", list(OnDeath), ids=lambda rule: rule.name)
async def test_the_orders_of_a_dead_bot_follow_its_rule(
    exchange: Exchange, account: Account, es: Instrument, rule: OnDeath
) -> None:
    bot = await in_thread(wanted_bot, account)
    desk = BotDesk(bot, ExchangeBroker(account), now)
    entry = Wanted(BUY, Style.MARKET, 2, 0, False)
    await desk.place(Wish(instrument=es, order=entry, strategy="test"), Limits())
    await resting(desk, es)
    gone = {"runner": "dead", "heartbeat_at": now() - DEAD_AFTER - timedelta(seconds=1)}
    await in_thread(Bot.objects.update, on_death=rule.value, is_wanted=False, **gone)
    async with supervised(GivenBooks(50, 50)):
        await until(lambda: Bot.objects.filter(runner="").exists(), "the rule was applied")
    assert await in_thread(Order.objects.open().count) == (1 if rule is OnDeath.KEEP else 0)
    assert await in_thread(lots) == (0 if rule is OnDeath.CLOSE else 2)
    assert await in_thread(AuditEntry.objects.filter(action="dead").count) == 1
    assert await in_thread(violations) == []


async def test_a_bot_without_configuration_ends_with_the_reason(
    exchange: Exchange, account: Account
) -> None:
    bot = await in_thread(wanted_bot, account)
    await in_thread(bot.configurations.all().delete)
    async with supervised(GivenBooks()):
        await until(lambda: Bot.objects.filter(is_wanted=False).exists(), "it was given up")
    assert "has none yet" in (await in_thread(Bot.objects.get)).problem


async def test_a_bot_whose_configuration_became_invalid_leaves_no_orders(
    exchange: Exchange, account: Account
) -> None:
    bot = await in_thread(wanted_bot, account, strategy="marketmaker")
    async with supervised(GivenBooks(50, 50)):
        await until(lambda: Order.objects.open().count() == 2, "two quotes")
        await in_thread(
            BotConfiguration.objects.create, bot=bot, number=2, author="x", created_at=now()
        )
        await until(lambda: Bot.objects.filter(is_wanted=False).exists(), "it was given up")
    assert "strategy" in (await in_thread(Bot.objects.get)).problem
    assert not await in_thread(Order.objects.open().exists)


async def test_a_supervisor_does_not_take_its_own_bots_for_dead(
    exchange: Exchange, account: Account
) -> None:
    ahead = [timedelta(0)]
    supervisor = Supervisor(market=GivenBooks(50, 50), clock=lambda: now() + ahead[0])
    await in_thread(wanted_bot, account)
    task = asyncio.create_task(supervisor.run())
    await until(lambda: Recovery.objects.exists(), "the bot runs")
    ahead[0] = timedelta(minutes=1)  # as if no heartbeat had been possible for so long
    await supervisor.look()
    supervisor.stop()
    await task
    assert not await in_thread(AuditEntry.objects.filter(action="dead").exists)


@pytest.mark.both_databases
async def test_a_round_reads_instruments_again_outside_of_the_event_loop(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> dict[str, Instrument]:
        return {each.symbol: each for each in Instrument.objects.filter(has_book=True)}

    monkeypatch.setattr("trading.configuring.books", read)
    bot = await in_thread(wanted_bot, account)
    desk = BotDesk(bot, ExchangeBroker(account), now)
    assert await Runner(desk, GivenBooks(50, 50), "runner", now).round() == 0.05


async def test_orders_that_the_venue_rejects_are_repeated_more_and_more_slowly(
    exchange: Exchange,
) -> None:
    at = [0.0]
    poor = await in_thread(funded, "poor", 1)
    limits = {"max_exposure": None, "max_drawdown": None}
    desk = BotDesk(await in_thread(wanted_bot, poor, limits=limits), ExchangeBroker(poor), now)
    runner = Runner(desk, GivenBooks(90, 10), "runner", now, monotonic=lambda: at[0])
    runner._pulse._beaten_at = math.inf
    counts = []
    for moment in (0.0, 0.9, 1.1, 2.9, 3.2):
        at[0] = moment
        await runner.round()
        counts.append(await in_thread(BotOrder.objects.count))
    assert counts == [1, 1, 2, 2, 3]
    states = await in_thread(lambda: set(BotOrder.objects.values_list("state", flat=True)))
    assert states == {OrderState.REJECTED}


async def test_a_bot_lives_although_its_venue_does_not_say_its_equity(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def balance(_: ExchangeBroker) -> None:
        raise NotSentError("maintenance")

    monkeypatch.setattr(ExchangeBroker, "balance", balance)
    bot = await in_thread(wanted_bot, account)
    await in_thread(owning.claim, bot, "runner", now() - DEAD_AFTER)
    await Runner(BotDesk(bot, ExchangeBroker(account), now), GivenBooks(), "runner", now)._beat()
    assert not await in_thread(owning.dead(now()).exists)


async def test_heartbeats_do_not_wait_for_the_funding_of_a_slow_venue(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_asked = asyncio.Event()

    async def positions(_: ExchangeBroker) -> list[PositionSeen]:
        is_asked.set()
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(ExchangeBroker, "positions", positions)
    monkeypatch.setattr(runner, "FUNDING_S", 0.0)
    bot = await in_thread(wanted_bot, account)
    await in_thread(owning.claim, bot, "runner", now())
    run = Runner(BotDesk(bot, ExchangeBroker(account), now), GivenBooks(), "runner", now)
    async with run._followed():
        async with asyncio.timeout(PATIENCE_S):
            await is_asked.wait()
        asked_at = now()
        await until(Bot.objects.filter(heartbeat_at__gt=asked_at).exists, "a heartbeat")


async def test_a_bot_that_stops_knows_that_its_orders_are_cancelled_although_answers_are_lost(
    exchange: Exchange, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel, is_first = ExchangeBroker.cancel, [True]

    async def lossy(broker: ExchangeBroker, client_id: str) -> OrderSeen:
        seen = await cancel(broker, client_id)
        if is_first:
            is_first.clear()
            raise UnknownOutcomeError("the answer was lost")
        return seen

    monkeypatch.setattr(ExchangeBroker, "cancel", lossy)
    bot = await in_thread(wanted_bot, account, strategy="marketmaker")
    async with supervised(GivenBooks(50, 50)):
        await until(lambda: Order.objects.open().count() == 2, "two quotes")
        await in_thread(owning.want, bot, is_wanted=False, actor="me", at=now())
        await until(lambda: Bot.objects.filter(runner="").exists(), "the bot has ended")
    assert not await in_thread(BotOrder.objects.working().exists)
    assert (await in_thread(Bot.objects.get)).problem == ""


async def test_a_market_that_ends_does_not_wait_for_ever_for_bots_whose_venue_is_silent(
    exchange: Exchange, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_: ExchangeBroker, client_id: str) -> OrderSeen:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(ExchangeBroker, "cancel", silent)
    await in_thread(wanted_bot, account, strategy="marketmaker")
    supervisor = Supervisor(market=GivenBooks(50, 50), settle_s=0.1)
    task = asyncio.create_task(supervisor.run())
    await until(lambda: Order.objects.open().count() == 2, "two quotes")
    supervisor.stop()
    await task
    assert (await in_thread(Bot.objects.get)).runner  # its heartbeat ends: the next start recovers


async def test_a_patient_order_follows_the_price_then_takes(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    ahead = [timedelta(0)]
    market = GivenBooks(90, 10)
    bot = await in_thread(
        wanted_bot, account, parameters={"urgency": 0}, chase={"longest_s": 60, "most_moves": 5}
    )
    desk = BotDesk(bot, ExchangeBroker(account), now)
    runner = Runner(desk, market, "runner", lambda: now() + ahead[0])
    runner._pulse._beaten_at = math.inf
    await runner.round()
    first = await in_thread(BotOrder.objects.get)
    assert (first.style, first.ticks) == (Style.POST_ONLY, MARK - 1)
    market.at = MARK + 1
    await runner.round()
    moved = await in_thread(BotOrder.objects.get)
    assert (moved.client_id, moved.ticks) == (first.client_id, MARK)
    assert await in_thread(AuditEntry.objects.filter(action="amend").count) == 1
    market.at = MARK
    ahead[0] = timedelta(seconds=61)
    for _ in range(2):
        await runner.round()
    assert await in_thread(lots) == 1
    taken = await in_thread(BotOrder.objects.latest, "id")
    assert (taken.style, taken.ticks) == (Style.LIMIT, MARK + 1)
    assert await in_thread(violations) == []


@pytest.mark.both_databases
async def test_a_runner_ends_at_once_when_it_does_not_own_its_bot_any_more(
    exchange: Exchange, account: Account
) -> None:
    bot = await in_thread(lambda: wanted_bot(account, interval_s=3600.0))
    await in_thread(owning.claim, bot, "runner", now())
    desk = BotDesk(bot, ExchangeBroker(account), now)
    task = asyncio.create_task(Runner(desk, GivenBooks(), "runner", now).run())
    await until(lambda: lots() == 1, "the first decision")
    await in_thread(Bot.objects.update, runner="another")
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(owning.NotYoursError):
            await task
