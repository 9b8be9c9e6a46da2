"""Bots at other venues: our own doors of Bybit and Deribit, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from exchange.matching import BUY
from exchange.models import Account, Order
from instruments.models import Instrument
from trading import owning
from trading.botdesk import BotDesk
from trading.brokers import rates
from trading.brokers.inprocess import ExchangeBroker
from trading.configuring import configure, traded_by
from trading.core.risk.limits import Limits
from trading.core.strategies.orders import Order as Wanted
from trading.databasecalls import in_thread
from trading.models import Bot, BotFill, BotOrder, BotPosition
from trading.opening import NoBrokerError, opened
from trading.recovering import recover
from trading.supervisor import Supervisor
from trading.tests.bots import NOW
from trading.tests.running import GivenBooks, now, until, violations
from trading.tickets import Wish
from venues.accounts.models import VenueAccount
from venues.brokers import Style
from venues.bybit.door import door
from venues.bybit.faultdialect import BybitDialect
from venues.bybit.sockets.tests.talking import Bot as Keyed
from venues.bybit.sockets.tests.talking import listed_lately
from venues.bybit.tests.serving import served
from venues.deribit.door import door as deribit_door
from venues.deribit.tests.clients import MARK as DERIBIT_MARK
from venues.deribit.tests.clients import Client as DeribitClient
from venues.deribit.tests.clients import listed as deribit_listed
from venues.faults.injection import Faults
from venues.faults.profiles import Profile
from venues.tests.markets import market
from venues.tests.serving import serving

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_log", "short_beats"),
]
LOSSY = Profile(name="lossy", shows="", incident="", lost=0.3, repeated=0.3, disconnects=0.05)
CONFIGURATION = {
    "strategy": "imbalance",
    "symbols": ["BTCUSDT"],
    "interval_s": 0.05,
    "limits": {"max_exposure": 1e6, "min_order": 0},
}


@pytest.fixture(autouse=True)
def no_limits(settings: Any) -> None:
    settings.BYBIT_LIMIT_FACTOR = 0.0


def stored(url: str, keyed: Keyed | DeribitClient, symbol: str = "BTCUSDT", **changes: Any) -> Bot:
    """Return a bot that trades in an account at the door."""
    given = {"venue": "bybit", **changes}
    account = VenueAccount(name="mine", url=url, api_key=keyed.key, **given)
    account.secret = keyed.secret
    account.save()
    bot = Bot.objects.create(
        name="b1", broker="venue", venue_account=account, is_wanted=True, created_at=NOW
    )
    configure(bot=bot, parameters={**CONFIGURATION, "symbols": [symbol]}, author="me", at=NOW)
    return bot


@asynccontextmanager
async def at_door(profile: Profile) -> AsyncIterator[tuple[Bot, Account]]:
    instrument = await in_thread(listed_lately)
    async with market(instrument):
        keyed = await in_thread(Keyed)
        async with served(Faults(door(), BybitDialect(), profile, 1)) as url:
            yield await in_thread(stored, url, keyed, is_enabled=True), keyed.account


async def test_a_bot_at_bybit_has_the_orders_and_the_profit_of_the_venue_in_spite_of_faults() -> (
    None
):
    books = GivenBooks(90, 10)
    async with at_door(LOSSY) as (bot, account):
        supervisor = Supervisor(market=books)
        task = asyncio.create_task(supervisor.run())
        for lots, sides in ((1, (90, 10)), (-1, (10, 90)), (0, (50, 50))):
            books.set(*sides)
            await until(partial(holds, lots), f"{lots} lots are held")
        await in_thread(owning.want, bot, is_wanted=False, actor="me", at=now())
        await until(lambda: Bot.objects.filter(runner="").exists(), "the bot has ended")
        supervisor.stop()
        await task
        theirs = await in_thread(lambda: sorted(Order.objects.values_list("client_id", "filled")))
        ours = await in_thread(lambda: sorted(BotOrder.objects.values_list("client_id", "filled")))
        broker = ExchangeBroker(account)
        (there,) = await broker.positions()
        await asyncio.to_thread(broker.close)
    assert ours == theirs
    totals = await in_thread(Bot.objects.get)
    assert (totals.realised, totals.fees) == (there.realised, there.fees)
    assert await in_thread(BotFill.objects.count) >= 2
    assert await in_thread(violations) == []


async def test_a_bot_at_deribit_has_the_position_and_the_profit_of_the_venue(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DERIBIT_LIMIT_FACTOR = 0.0
    monkeypatch.setattr("venues.deribit.client.broker.QUIET_S", 0.0)  # there was no other process
    instrument = await in_thread(deribit_listed)
    async with market(instrument, mark=DERIBIT_MARK):
        keyed = await in_thread(DeribitClient)
        async with serving(deribit_door()) as url:
            named = {"venue": "deribit", "is_enabled": True}
            bot = await in_thread(stored, url, keyed, instrument.symbol, **named)
            async with opened(bot) as broker:
                desk = BotDesk(bot, broker, now)
                order = Wanted(BUY, Style.MARKET, 2, 0, False)
                wish = Wish(instrument=instrument, order=order, strategy="test")
                await desk.place(wish, Limits())
                assert await in_thread(held) == 2
                assert (await recover(desk, actor="me", clock=now)).open_findings == 0
                assert await desk.flatten() == (0, 0)
        theirs = ExchangeBroker(keyed.account)
        (there,) = await theirs.positions()
        await asyncio.to_thread(theirs.close)
    totals = await in_thread(Bot.objects.get)
    assert there.realised < 0 < there.fees
    assert (totals.realised, totals.fees) == (there.realised, there.fees)
    assert await in_thread(violations) == []


def held() -> int:
    return sum(BotPosition.objects.live().values_list("lots", flat=True))


def holds(lots: int) -> bool:
    return held() == lots


async def test_a_bot_whose_account_is_not_enabled_has_no_broker() -> None:
    await in_thread(listed_lately)
    bot = await in_thread(stored, "http://127.0.0.1:9", await in_thread(Keyed))
    with pytest.raises(NoBrokerError, match="account mine is off"):
        await opened(bot).__aenter__()


def test_a_venue_has_its_own_names_and_what_is_still_open_stays_traded() -> None:
    instrument = listed_lately()
    bot = stored("", Keyed())
    assert traded_by(bot) == {"BTCUSDT": instrument}
    other = Instrument.objects.create(
        symbol="ETHUSDT.BYBIT", name="Ether", tick_size="0.01", lot_size="0.01", has_book=True
    )
    BotPosition.objects.create(bot=bot, instrument=other, opened_at=NOW, updated_at=NOW)
    named = {**CONFIGURATION, "venue_symbols": {"BTCUSDT": "BTC/USDT:USDT"}}
    configure(bot=bot, parameters=named, author="me", at=NOW)
    assert traded_by(bot) == {"BTC/USDT:USDT": instrument, "ETHUSDT": other}


def test_bybit_and_deribit_have_their_own_buckets() -> None:
    assert rates.rates_of("bybit-testnet")["place"] == rates.Rate(10, 1)
    assert rates.rates_of("deribit")["place"] == rates.Rate(5, 1)
    assert rates.rates_of("ccxt:kraken") == rates.CAREFUL
