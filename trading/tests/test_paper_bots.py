"""Bots on paper, in the recorded book of a simulated market."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exchange.engine.messages import BUY, SELL
from exchange.kinds import MONEY_UNITS
from exchange.retention import prune_all
from exchange.tests.recordedmarkets import RecordedMarket
from trading.books import RecordedBooks
from trading.botdesk import BotDesk
from trading.brokers.paper import PaperBroker
from trading.configuring import configure
from trading.core.orderstates import OrderState
from trading.core.risk.limits import Limits
from trading.core.strategies.orders import Order as Wanted
from trading.databasecalls import in_thread
from trading.models import AuditEntry, Bot, BotFill, BotOrder, BotPosition
from trading.opening import opened
from trading.recovering import recover
from trading.tests.bots import NOW
from trading.tests.running import now, violations
from trading.tickets import Wish
from venues.brokers import Instruction, RefusedError, Style, UnknownOutcomeError

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_log"),
]
DEPOSIT = 10**6 * MONEY_UNITS


def recorded() -> RecordedMarket:
    market = RecordedMarket()
    market.record(20)
    return market


def on_paper(latency_ms: int = 0) -> Bot:
    paper = {"balance": DEPOSIT, "fees": "bybit", "latency_ms": latency_ms}
    bot = Bot.objects.create(name="b1", broker="paper", paper=paper, created_at=NOW)
    parameters: Mapping[str, Any] = {"strategy": "imbalance", "symbols": ["ES"]}
    configure(bot=bot, parameters=parameters, author="me", at=NOW)
    return bot


async def test_paper_orders_trade_in_the_recorded_market_whatever_process_asks() -> None:
    market = await in_thread(recorded)
    bot = await in_thread(on_paper)
    book = await in_thread(RecordedBooks().book, market.instrument)
    assert book is not None
    bid, ask = book.bids[0], book.asks[0]
    async with opened(bot) as broker:
        desk = BotDesk(bot, broker, now)
        for order in (
            Wanted(BUY, Style.MARKET, 1, 0, False),
            Wanted(BUY, Style.POST_ONLY, 1, bid.ticks, False),
            Wanted(BUY, Style.POST_ONLY, 1, bid.ticks - 50, False),
        ):
            await desk.place(
                Wish(instrument=market.instrument, order=order, strategy="t"), Limits()
            )
    fill = await in_thread(BotFill.objects.get)
    assert (fill.ticks, fill.lots, fill.is_maker) == (ask.ticks, 1, False)

    while await in_thread(BotFill.objects.count) < 2:
        await in_thread(market.record, 50)
        async with opened(bot) as broker:  # as another process would
            report = await recover(BotDesk(bot, broker, now), actor="me", clock=now)
        assert report.open_findings == 0
    made = await in_thread(BotFill.objects.latest, "id")
    assert (made.ticks, made.is_maker) == (bid.ticks, True)

    async with opened(bot) as broker:
        assert await BotDesk(bot, broker, now).flatten() == (0, 0)
        balance = await broker.balance()
        (there,) = await broker.positions()
        assert not await broker.open_orders()
    totals = await in_thread(Bot.objects.get)
    assert (totals.realised, totals.fees) == (there.realised, there.fees)
    assert balance.equity == balance.balance == DEPOSIT + totals.realised - totals.fees
    assert not await in_thread(BotPosition.objects.live().exists)
    assert await in_thread(violations) == []


async def test_paper_orders_arrive_with_later_market_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trading.sending.FIRST_PAUSE_S", 0.0)
    market = await in_thread(recorded)
    bot = await in_thread(on_paper, 100)
    broker = PaperBroker(bot, {"ES": market.instrument}, timeout_s=0.01, poll_s=0.01)
    desk = BotDesk(bot, broker, now)
    wanted = Wanted(SELL, Style.MARKET, 1, 0, False)
    await desk.place(Wish(instrument=market.instrument, order=wanted, strategy="t"), Limits())
    order = await in_thread(BotOrder.objects.get)
    with pytest.raises(UnknownOutcomeError, match="no market data have come"):
        await broker.cancel(order.client_id)
    await in_thread(market.record, 1)
    assert (await broker.order(order.client_id)).report.filled == 1


async def test_paper_orders_need_a_recorded_book() -> None:
    market = await in_thread(RecordedMarket)
    bot = await in_thread(on_paper)
    wanted = Wanted(SELL, Style.MARKET, 1, 0, False)
    async with opened(bot) as broker:
        wish = Wish(instrument=market.instrument, order=wanted, strategy="t")
        with pytest.raises(RefusedError, match="no book of ES is recorded"):
            await BotDesk(bot, broker, now).place(wish, Limits())


async def test_orders_end_where_retention_removed_what_could_have_filled_them(
    settings: Any,
) -> None:
    settings.EXCHANGE_KEEP_BOOK_S = settings.EXCHANGE_KEEP_TRADES_S = 5
    market = await in_thread(recorded)
    bot = await in_thread(on_paper)
    bid = Wanted(BUY, Style.POST_ONLY, 1, 19_000, False)
    async with opened(bot) as broker:
        desk = BotDesk(bot, broker, now)
        await desk.place(Wish(instrument=market.instrument, order=bid, strategy="t"), Limits())
        await in_thread(market.record, 120)
        assert (await in_thread(prune_all)).total()
        report = await recover(desk, actor="me", clock=now)
        assert report.open_findings == 0
        assert await broker.open_orders() == []
        await desk.place(Wish(instrument=market.instrument, order=bid, strategy="t"), Limits())
        (there,) = await broker.open_orders()
    states = await in_thread(
        lambda: list(BotOrder.objects.order_by("pk").values_list("state", flat=True))
    )
    assert states == [OrderState.CANCELLED, OrderState.PLACED]
    gap = json.loads((await in_thread(AuditEntry.objects.get, action="gap")).detail)
    assert gap["start"] < gap["end"]
    assert gap["client_ids"] != [there.client_id]


def test_looking_at_a_paper_account_takes_no_lock_while_nothing_happens() -> None:
    market = recorded()
    bot = on_paper()
    broker = PaperBroker(bot, {"ES": market.instrument})
    bid = Instruction(
        client_id="1", symbol="ES", side=BUY, style=Style.POST_ONLY, lots=1, ticks=19_000
    )
    broker._stored(lambda venue: venue.place(bid, venue.markets["ES"].at))
    before = broker._stored(lambda venue: venue.markets["ES"].at)
    market.record(3)
    with CaptureQueriesContext(connection) as captured:
        assert broker._looked_at(lambda venue: venue.markets["ES"].at) > before
    assert not locked(captured)
    market.record(3)
    with CaptureQueriesContext(connection) as captured:
        broker._looked_at(lambda venue: venue.order("1"))
    assert locked(captured)


def locked(captured: CaptureQueriesContext) -> bool:
    """Return whether a query wrote, or locked a row."""
    return any("UPDATE" in (each["sql"] or "") for each in captured)
