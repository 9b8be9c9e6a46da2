"""Orders of one desk, with the real exchange."""

import pytest

from exchange.kinds import MONEY_UNITS
from exchange.matching import BUY, SELL
from exchange.models import Account, Order
from exchange.tests.clients import MARK, funded
from exchange.tests.trading import Exchange
from instruments.models import Instrument
from trading import botdesk, killing, sending
from trading.botdesk import BotDesk
from trading.brokers.inprocess import ExchangeBroker
from trading.core.risk.limits import Limits
from trading.core.strategies.orders import Order as Wanted
from trading.databasecalls import in_thread
from trading.models import (
    BotOrder,
)
from trading.sending import RejectedError, RiskRefusedError
from trading.tests.running import (
    lots,
    now,
    violations,
    wanted_bot,
)
from trading.tickets import Wish
from venues.brokers import (
    Instruction,
    NotSentError,
    OrderSeen,
    Style,
    UnknownOutcomeError,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_log"),
]


async def test_orders_of_one_decision_are_checked_with_those_before_them(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    bot = await in_thread(wanted_bot, account)
    desk = BotDesk(bot, ExchangeBroker(account), now)
    bids = [Wanted(BUY, Style.POST_ONLY, 1, MARK - n, False) for n in (10, 11, 12)]
    wishes = [Wish(instrument=es, order=each, strategy="test") for each in bids]
    one_lot = MARK * 25 * MONEY_UNITS // 100
    refused = await desk.place_all(wishes, Limits(max_exposure=2 * one_lot))
    assert ["max_exposure" in str(error) for error in refused] == [True]
    assert await in_thread(Order.objects.open().count) == 2


async def test_a_position_is_reversed(exchange: Exchange, account: Account, es: Instrument) -> None:
    desk = BotDesk(await in_thread(wanted_bot, account), ExchangeBroker(account), now)
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
    desk = BotDesk(await in_thread(wanted_bot, account), ExchangeBroker(account), now)
    entry = Wanted(BUY, Style.MARKET, 2, 0, False)
    await desk.place(Wish(instrument=es, order=entry, strategy="test"), Limits())
    (held,) = await in_thread(desk.held)
    placed = ExchangeBroker.place

    async def unsent(broker: ExchangeBroker, order: Instruction) -> OrderSeen:
        raise NotSentError("the exchange is closed")

    monkeypatch.setattr(ExchangeBroker, "place", unsent)
    monkeypatch.setattr(sending, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(botdesk, "CONFIRM_PAUSE_S", 0.0)
    with pytest.raises(UnknownOutcomeError, match="is not confirmed yet: nothing was opened"):
        await desk.reverse(held, Limits())
    monkeypatch.setattr(ExchangeBroker, "place", placed)
    assert (await in_thread(BotOrder.objects.latest, "id")).reduce_only
    assert await in_thread(lots) == 2


async def test_a_reverse_opens_nothing_when_only_a_part_is_closed(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    desk = BotDesk(await in_thread(wanted_bot, account), ExchangeBroker(account), now)
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
