"""Bots catch up with the real exchange: orders, executions, positions, funding."""

from datetime import timedelta
from typing import Any

import pytest

from exchange.matching import BUY, SELL
from exchange.models import Account, Order
from exchange.tests.clients import MARK
from exchange.tests.trading import Exchange
from instruments.models import Instrument
from trading.botdesk import BotDesk
from trading.brokers.inprocess import ExchangeBroker
from trading.core.orderstates import OrderState
from trading.core.risk.limits import Limits
from trading.core.strategies.orders import Order as Wanted
from trading.databasecalls import in_thread
from trading.models import (
    AuditEntry,
    Bot,
    BotOrder,
    BotPosition,
    Recovery,
)
from trading.recovering import recover
from trading.sending import settle
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
    Cursor,
    Instruction,
    NotSentError,
    Style,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_log"),
]


async def test_recovery_settles_what_happened_without_us_and_repeats_without_effect(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    bot = await in_thread(wanted_bot, account)
    broker = ExchangeBroker(account)
    desk = BotDesk(bot, broker, now)
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
    desk = BotDesk(bot, ExchangeBroker(account), now)
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
    report = await recover(BotDesk(bot, broker, now), actor="me", clock=now)
    assert report.open_findings == 1
    (finding,) = report.findings
    assert finding["text"] == "we have +0 lots, the venue +4"


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


async def test_funding_is_booked_once_and_equals_the_exchange(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    bot = await in_thread(wanted_bot, account)
    desk = BotDesk(bot, ExchangeBroker(account), now)
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


async def test_funding_that_the_account_received_before_its_bot_is_not_booked(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    broker = ExchangeBroker(account)
    by_hand = Instruction(client_id="hand", symbol="ES", side=BUY, style=Style.MARKET, lots=4)
    await broker.place(by_hand)
    eight_hours = exchange.ports["ES"].at + 8 * 3_600_000_000
    await in_thread(exchange.mark, "ES", MARK + 40, eight_hours)
    (there,) = await broker.positions()
    assert there.funding
    bot = await in_thread(wanted_bot, account)
    desk = BotDesk(bot, broker, now)
    await recover(desk, actor="me", clock=now)
    entry = Wanted(BUY, Style.MARKET, 2, 0, False)
    await desk.place(Wish(instrument=es, order=entry, strategy="test"), Limits())
    await recover(desk, actor="me", clock=now)
    assert (await in_thread(Bot.objects.get)).funding == 0


async def test_an_execution_that_became_visible_late_is_found(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    bot = await in_thread(wanted_bot, account)
    desk = BotDesk(bot, ExchangeBroker(account), now)
    order = await resting(desk, es)
    await in_thread(exchange.trade, "ES", SELL, 53)  # 50 lots rest before it
    await in_thread(Bot.objects.update, executions=10**9)  # as if newer ones had come before it
    await settle(desk.broker, desk.follower, await desk.broker.order(order.client_id))
    assert await in_thread(lots) == 3
