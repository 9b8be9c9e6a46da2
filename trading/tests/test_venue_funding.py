"""Funding of bots at other venues: booked once, where it belongs, equal to the venue's ledger."""

from typing import Any

import pytest

from exchange.clearing.ledger import LedgerCause
from exchange.matching import BUY, SELL
from exchange.models import LedgerEntry
from exchange.tests.clients import MARK
from trading import auditlog, funding
from trading.botdesk import BotDesk
from trading.core.risk.limits import Limits
from trading.core.strategies.orders import Order as Wanted
from trading.databasecalls import in_thread
from trading.models import AuditEntry, Bot, BotPosition, FundingPayment
from trading.opening import opened
from trading.recovering import recover
from trading.tests.running import now, violations
from trading.tests.test_venue_bots import stored
from trading.tickets import Wish
from venues.brokers import PaymentSeen, Style
from venues.bybit.door import door
from venues.bybit.sockets.tests.talking import Bot as Keyed
from venues.bybit.sockets.tests.talking import listed_lately
from venues.bybit.tests.serving import served
from venues.ccxt.tests.throttling import do_not_throttle
from venues.tests.markets import market

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_log"),
]
EIGHT_HOURS = 8 * 3_600_000_000


@pytest.mark.parametrize(
    "venue", ["bybit", pytest.param("ccxt:bybit", marks=pytest.mark.any_database)]
)
async def test_funding_equals_the_ledger_of_the_venue_although_booking_is_interrupted(
    venue: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BYBIT_LIMIT_FACTOR = 0.0
    do_not_throttle(monkeypatch)
    instrument = await in_thread(listed_lately)
    async with market(instrument) as exchange, served(door()) as url:
        keyed = await in_thread(Keyed)
        bot = await in_thread(lambda: stored(url, keyed, venue=venue, is_enabled=True))

        async def trade(side: int, lots: int) -> None:
            wish = Wish(
                instrument=instrument,
                order=Wanted(side, Style.MARKET, lots, 0, False),
                strategy="test",
            )
            await desk.place(wish, Limits())

        async def pay(ticks: int) -> None:
            await in_thread(
                exchange.mark, "BTCUSDT", ticks, exchange.ports["BTCUSDT"].at + EIGHT_HOURS
            )

        async with opened(bot) as broker:
            desk = BotDesk(bot, broker, now)
            await trade(BUY, 3)
            await pay(MARK + 41)
            with monkeypatch.context() as broken:
                broken.setattr(auditlog, "append", fails)
                with pytest.raises(RuntimeError, match="killed"):
                    await desk.book_funding()
            assert not await in_thread(FundingPayment.objects.exists)
            await trade(SELL, 5)
            await pay(MARK + 7)
            await pay(MARK - 3)
            for _ in range(2):
                assert (await recover(desk, actor="me", clock=now)).open_findings == 0
    ledger = LedgerEntry.objects.filter(cause=LedgerCause.FUNDING).order_by("pk")
    paid = await in_thread(lambda: list(ledger))
    amounts = [each.amount for each in paid]
    assert len(amounts) == 3
    assert amounts[0] < 0 < amounts[1]
    held = await in_thread(lambda: list(BotPosition.objects.order_by("pk")))
    assert [each.funding for each in held] == [amounts[0], amounts[1] + amounts[2]]
    assert (await in_thread(Bot.objects.get)).funding == sum(amounts)
    assert await in_thread(AuditEntry.objects.filter(action="funding").count) == 3
    assert await in_thread(violations) == []


def fails(**_: Any) -> None:
    raise RuntimeError("killed")


def test_what_an_account_received_before_the_bot_traded_is_not_its_own() -> None:
    listed_lately()
    bot = stored("", Keyed())
    assert funding.paid_since(bot) is None
    early = PaymentSeen(venue_id="1", symbol="BTCUSDT", at=1_000_000, amount=-7)
    assert funding.book_payments(bot, [early], now()) == 0
    assert not FundingPayment.objects.exists()
