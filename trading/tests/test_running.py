"""Bots run, stop, die and recover, with the real exchange."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from archive.auditing import Report
from exchange.kinds import MONEY_UNITS
from exchange.matching import BUY, SELL
from exchange.models import Account, Order
from exchange.tests.clients import MARK, funded, listed
from exchange.tests.trading import Exchange
from instruments.models import Instrument
from trading import desk as desks
from trading import killing, owning, pulse, runner, sending
from trading.auditing import audit_bots
from trading.brokers.inprocess import ExchangeBroker
from trading.core.orderstates import OrderState
from trading.core.risk.limits import Limits
from trading.core.strategies.orders import Order as Wanted
from trading.database import in_thread
from trading.desk import Desk
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
from trading.recovering import recover
from trading.runner import Runner
from trading.sending import RejectedError, RiskRefusedError, settle
from trading.supervisor import Supervisor
from trading.tests.running import PATIENCE_S, GivenBooks, now, running_exchange, until, wanted_bot
from trading.tickets import Wish
from venues.brokers import (
    Cursor,
    Instruction,
    NotSentError,
    OrderSeen,
    PositionSeen,
    Style,
    UnknownOutcomeError,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_log"),
]


@pytest.fixture
def es() -> Instrument:
    return listed("ES")


@pytest.fixture
def account(es: Instrument) -> Account:
    return funded()


@pytest.fixture
def exchange(es: Instrument, account: Account) -> Iterator[Exchange]:
    with running_exchange(es) as exchange:
        yield exchange


@asynccontextmanager
async def supervised(market: GivenBooks) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(market=market)
    task = asyncio.create_task(supervisor.run())
    yield supervisor
    supervisor.stop()
    await task


def lots() -> int:
    return sum(BotPosition.objects.live().values_list("lots", flat=True))


def violations() -> list[str]:
    report = Report("bots")
    audit_bots(report)
    return report.violations


async def resting(desk: Desk, es: Instrument) -> BotOrder:
    """Place a bid far below the market."""
    wanted = Wanted(BUY, Style.LIMIT, 3, MARK - 50, False)
    return await desk.place(Wish(instrument=es, order=wanted, strategy="test"), Limits())


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


@pytest.mark.parametrize("rule", list(OnDeath), ids=lambda rule: rule.name)
async def test_the_orders_of_a_dead_bot_follow_its_rule(
    exchange: Exchange, account: Account, es: Instrument, rule: OnDeath
) -> None:
    bot = await in_thread(wanted_bot, account)
    desk = Desk(bot, ExchangeBroker(account), now)
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


async def test_recovery_settles_what_happened_without_us_and_repeats_without_effect(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    bot = await in_thread(wanted_bot, account)
    broker = ExchangeBroker(account)
    desk = Desk(bot, broker, now)
    lost = await resting(desk, es)
    await broker.cancel(lost.client_id)  # the answer to this is lost
    never_sent = await resting(desk, es)
    ghost = {"client_id": "gone", "state": 0, "version": 0, "sent_at": now() - timedelta(minutes=1)}
    await broker.cancel(never_sent.client_id)
    await in_thread(never_sent.transitions.all()._raw_delete, "default")
    await in_thread(BotOrder.objects.filter(pk=never_sent.pk).update, reported=0, **ghost)
    stranger = Instruction(
        client_id=f"bot{bot.pk}-lost", symbol="ES", side=BUY, style=Style.LIMIT, lots=1,
        ticks=MARK - 60,
    )  # fmt: skip
    await broker.place(stranger)
    report = await recover(desk, actor="me", clock=now)
    troubles = sorted(each["trouble"] for each in report.findings)
    assert troubles == ["not_found", "not_ours", "status_mismatch"]
    assert (report.open_findings, report.orders) == (0, 2)
    states = dict(await in_thread(lambda: list(BotOrder.objects.values_list("client_id", "state"))))
    assert states[lost.client_id] == OrderState.CANCELLED
    assert states["gone"] == OrderState.FAILED
    assert not await in_thread(Order.objects.open().exists)
    again = await recover(desk, actor="me", clock=now)
    assert (again.findings, again.orders) == ([], 0)
    assert await in_thread(Recovery.objects.count) == 2
    assert await in_thread(violations) == []


async def test_an_order_that_was_given_up_but_arrived_is_cancelled_and_its_fills_reported(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    bot = await in_thread(wanted_bot, account)
    desk = Desk(bot, ExchangeBroker(account), now)
    late = await resting(desk, es)
    given_up = BotOrder.objects.filter(pk=late.pk)
    await in_thread(given_up.update, state=OrderState.FAILED.value)
    await in_thread(exchange.trade, "ES", SELL, 51)  # 50 lots rest before it
    report = await recover(desk, actor="me", clock=now)
    troubles = [each["trouble"] for each in report.findings]
    assert troubles == ["contradiction", "not_ours", "position_mismatch"]
    assert report.open_findings == 2
    assert not await in_thread(Order.objects.open().exists)


async def test_a_position_that_nobody_knows_is_reported(
    exchange: Exchange, account: Account
) -> None:
    bot = await in_thread(wanted_bot, account)
    broker = ExchangeBroker(account)
    by_hand = Instruction(client_id="hand", symbol="ES", side=BUY, style=Style.MARKET, lots=4)
    await broker.place(by_hand)
    report = await recover(Desk(bot, broker, now), actor="me", clock=now)
    assert report.open_findings == 1
    (finding,) = report.findings
    assert finding["text"] == "we have +0 lots, the venue +4"


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


async def test_a_bot_recovers_after_it_could_not_follow_its_venue(
    exchange: Exchange, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow, is_first = ExchangeBroker.changes, [True]

    def changes(broker: ExchangeBroker, since: Cursor) -> Any:
        if is_first:
            is_first.clear()
            raise NotSentError("the connection was lost")
        return follow(broker, since)

    monkeypatch.setattr(ExchangeBroker, "changes", changes)
    await in_thread(wanted_bot, account)
    async with supervised(GivenBooks(50, 50)):
        await until(lambda: Recovery.objects.count() == 2, "recovery at the start, and again")


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


async def test_a_round_reads_instruments_again_outside_of_the_event_loop(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> dict[str, Instrument]:
        return {each.symbol: each for each in Instrument.objects.filter(has_book=True)}

    monkeypatch.setattr("trading.configuring.books", read)
    bot = await in_thread(wanted_bot, account)
    desk = Desk(bot, ExchangeBroker(account), now)
    assert await Runner(desk, GivenBooks(50, 50), "runner", now).round() == 0.05


async def test_orders_that_the_venue_rejects_are_repeated_more_and_more_slowly(
    exchange: Exchange,
) -> None:
    at = [0.0]
    poor = await in_thread(funded, "poor", 1)
    limits = {"max_exposure": None, "max_drawdown": None}
    desk = Desk(await in_thread(wanted_bot, poor, limits=limits), ExchangeBroker(poor), now)
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


async def test_funding_is_booked_once_and_equals_the_exchange(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    bot = await in_thread(wanted_bot, account)
    desk = Desk(bot, ExchangeBroker(account), now)
    await recover(desk, actor="me", clock=now)
    entry = Wanted(BUY, Style.MARKET, 2, 0, False)
    await desk.place(Wish(instrument=es, order=entry, strategy="test"), Limits())
    eight_hours = exchange.ports["ES"].at + 8 * 3_600_000_000
    await in_thread(exchange.mark, "ES", MARK + 40, eight_hours)
    for _ in range(2):
        await recover(desk, actor="me", clock=now)
    (there,) = await desk.broker.positions()
    held = await in_thread(BotPosition.objects.get)
    assert held.funding == there.funding != 0
    assert (await in_thread(Bot.objects.get)).funding == there.funding
    assert await in_thread(AuditEntry.objects.filter(action="funding").count) == 1
    assert await in_thread(violations) == []


async def test_an_execution_that_became_visible_late_is_found(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    bot = await in_thread(wanted_bot, account)
    desk = Desk(bot, ExchangeBroker(account), now)
    order = await resting(desk, es)
    await in_thread(exchange.trade, "ES", SELL, 53)  # 50 lots rest before it
    await in_thread(Bot.objects.update, executions=10**9)  # as if newer ones had come before it
    await settle(desk.broker, desk.follower, await desk.broker.order(order.client_id))
    assert await in_thread(lots) == 3


async def test_a_bot_lives_although_its_venue_does_not_say_its_equity(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def balance(_: ExchangeBroker) -> None:
        raise NotSentError("maintenance")

    monkeypatch.setattr(ExchangeBroker, "balance", balance)
    bot = await in_thread(wanted_bot, account)
    await in_thread(owning.claim, bot, "runner", now() - DEAD_AFTER)
    await Runner(Desk(bot, ExchangeBroker(account), now), GivenBooks(), "runner", now)._beat()
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
    monkeypatch.setattr(pulse, "BEAT_S", 0.01)
    bot = await in_thread(wanted_bot, account)
    await in_thread(owning.claim, bot, "runner", now())
    run = Runner(Desk(bot, ExchangeBroker(account), now), GivenBooks(), "runner", now)
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


async def test_a_patient_order_follows_the_price_then_takes(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    ahead = [timedelta(0)]
    market = GivenBooks(90, 10)
    bot = await in_thread(
        wanted_bot, account, parameters={"urgency": 0}, chase={"longest_s": 60, "most_moves": 5}
    )
    desk = Desk(bot, ExchangeBroker(account), now)
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


async def test_orders_of_one_decision_are_checked_with_those_before_them(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    bot = await in_thread(wanted_bot, account)
    desk = Desk(bot, ExchangeBroker(account), now)
    bids = [Wanted(BUY, Style.POST_ONLY, 1, MARK - n, False) for n in (10, 11, 12)]
    wishes = [Wish(instrument=es, order=each, strategy="test") for each in bids]
    one_lot = MARK * 25 * MONEY_UNITS // 100
    refused = await desk.place_all(wishes, Limits(max_exposure=2 * one_lot))
    assert ["max_exposure" in str(error) for error in refused] == [True]
    assert await in_thread(Order.objects.open().count) == 2


async def test_a_position_is_reversed(exchange: Exchange, account: Account, es: Instrument) -> None:
    desk = Desk(await in_thread(wanted_bot, account), ExchangeBroker(account), now)
    entry = Wanted(BUY, Style.MARKET, 2, 0, False)
    await desk.place(Wish(instrument=es, order=entry, strategy="test"), Limits())
    (held,) = await in_thread(desk.held)
    await desk.reverse(held, Limits())
    assert await in_thread(lots) == -2
    assert await in_thread(violations) == []

    await in_thread(killing.throw, bot=desk.bot, actor="me", reason="test", at=now())
    (held,) = await in_thread(desk.held)
    with pytest.raises(RiskRefusedError, match="kill_switch"):
        await desk.reverse(held, Limits())
    assert await in_thread(lots) == -2  # nothing was sent


async def test_a_reverse_opens_nothing_while_its_close_is_unconfirmed(
    exchange: Exchange, account: Account, es: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(await in_thread(wanted_bot, account), ExchangeBroker(account), now)
    entry = Wanted(BUY, Style.MARKET, 2, 0, False)
    await desk.place(Wish(instrument=es, order=entry, strategy="test"), Limits())
    (held,) = await in_thread(desk.held)
    placed = ExchangeBroker.place

    async def unsent(broker: ExchangeBroker, order: Instruction) -> OrderSeen:
        raise NotSentError("the exchange is closed")

    monkeypatch.setattr(ExchangeBroker, "place", unsent)
    monkeypatch.setattr(sending, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(desks, "CONFIRM_PAUSE_S", 0.0)
    with pytest.raises(UnknownOutcomeError, match="is not confirmed yet: nothing was opened"):
        await desk.reverse(held, Limits())
    monkeypatch.setattr(ExchangeBroker, "place", placed)
    assert (await in_thread(BotOrder.objects.latest, "id")).reduce_only
    assert await in_thread(lots) == 2


async def test_a_reverse_opens_nothing_when_only_a_part_is_closed(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    desk = Desk(await in_thread(wanted_bot, account), ExchangeBroker(account), now)
    entry = Wanted(BUY, Style.MARKET, 50, 0, False)
    await desk.place(Wish(instrument=es, order=entry, strategy="test"), Limits())
    taker = ExchangeBroker(await in_thread(funded, "taker"))
    await taker.place(
        Instruction(client_id="t", symbol="ES", side=SELL, style=Style.MARKET, lots=3)
    )
    (held,) = await in_thread(desk.held)
    with pytest.raises(RejectedError, match="3 of 50 lots are still held"):
        await desk.reverse(held, Limits())
    assert await in_thread(lots) == 3


async def test_a_runner_ends_at_once_when_it_does_not_own_its_bot_any_more(
    exchange: Exchange, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "BEAT_S", 0.01)
    bot = await in_thread(lambda: wanted_bot(account, interval_s=3600.0))
    await in_thread(owning.claim, bot, "runner", now())
    desk = Desk(bot, ExchangeBroker(account), now)
    task = asyncio.create_task(Runner(desk, GivenBooks(), "runner", now).run())
    await until(lambda: lots() == 1, "the first decision")
    await in_thread(Bot.objects.update, runner="another")
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(owning.NotYoursError):
            await task
