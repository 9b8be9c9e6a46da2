"""Feed and broker of ccxt.pro at our own door, over real sockets."""

import asyncio
import contextlib
from contextlib import asynccontextmanager
from decimal import Decimal

import ccxt
import ccxt.pro
import pytest

from exchange.depth.recording import BlockWriter
from exchange.engine.messages import BUY, SELL
from exchange.kinds import MONEY_UNITS, TRADES
from exchange.tests.clients import MARK
from instruments.lattice import Lattice
from rig.books import record_book
from rig.waiting import PATIENCE_S
from venues import adapters
from venues.brokers import (
    Cursor,
    ExecutionSeen,
    Instruction,
    NotSentError,
    RefusedError,
    Style,
    UnknownOutcomeError,
    VenueState,
)
from venues.bybit.door import door
from venues.bybit.sockets.tests.talking import Bot, listed_lately
from venues.bybit.sockets.tests.test_publicdata import Tape as Trades
from venues.bybit.tests.serving import served
from venues.ccxt import broker, exchanges, requests
from venues.ccxt.broker import CcxtBroker
from venues.ccxt.bybit import Bybit
from venues.ccxt.exchanges import explained
from venues.ccxt.tests.throttling import do_not_throttle
from venues.feeds.events import Contract, FeedError
from venues.feeds.following import Follower
from venues.feeds.numbering import SkippedError
from venues.feeds.recorder import Recorder
from venues.feeds.tape import Tape
from venues.tests.markets import in_thread, market

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
SYMBOL = "BTC/USDT:USDT"


@pytest.fixture(autouse=True)
def no_limits(settings, monkeypatch):
    """Remove the limits of door and client, and those of time that a busy machine would exceed."""
    settings.BYBIT_LIMIT_FACTOR = 0.0
    do_not_throttle(monkeypatch)
    monkeypatch.setattr(broker, "TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(exchanges, "REQUEST_TIMEOUT_MS", round(PATIENCE_S * 1_000))


async def reach(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(coroutine):
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_feed_records_the_past_the_book_and_what_is_live():
    instrument = await in_thread(listed_lately)
    trades = Trades(instrument)
    await trades.trade((0, MARK, 5, 1), (1, MARK + 1, 7, -1))
    await in_thread(record_book, instrument, 100)
    bundles, blocks = [], BlockWriter(1)

    def rows(*names):
        found = [each.rows for bundle in bundles for each in bundle if each.kind is TRADES]
        return [tuple(int(row[name]) for name in names) for part in found for row in part]

    async with served(door()) as url, adapters.feed_of("ccxt:bybit", url)() as feed:
        with pytest.raises(FeedError, match="does not have market symbol"):
            await feed.contract("NO/USDT:USDT")
        contract = await feed.contract(SYMBOL)
        assert (contract.lattice, contract.currency) == (instrument.lattice, "USDT")

        def put(bundle):
            bundles.append(bundle)
            return True

        follower = Follower(contract, Recorder(1, {}, blocks), Tape(), put)
        async with running(follower.run(feed, 50)):
            await reach(lambda: len(rows("seq")) == 2 and len(blocks.book))
            await trades.trade((2_000, MARK + 2, 3, 1))
            await reach(lambda: len(rows("seq")) == 3)
    assert rows("ticks", "lots", "side") == [(MARK, 5, 1), (MARK + 1, 7, -1), (MARK + 2, 3, 1)]
    assert blocks.book.best(BUY) < blocks.book.best(SELL)


async def test_a_broker_places_orders_once_and_reports_what_became_of_them():
    instrument = await in_thread(listed_lately)
    async with market(instrument) as exchange, served(door()) as url:
        bot = await in_thread(Bot)
        async with adapters.feed_of("ccxt:bybit", url)() as feed:
            contracts = {"OURS": await feed.contract(SYMBOL)}
        open_broker = adapters.broker_of("ccxt:bybit", url)
        async with open_broker(bot.key, bot.secret, contracts) as broker:
            await an_order_lives(broker)
            await fills_are_reported(broker, exchange)


def instruction(client_id, **changes):
    wanted = {"side": BUY, "style": Style.POST_ONLY, "lots": 10, "ticks": MARK - 50, **changes}
    return Instruction(client_id=client_id, symbol="OURS", **wanted)


async def an_order_lives(broker):
    placed = await broker.place(instruction("a"))
    assert placed.report.state is VenueState.WORKING
    assert await broker.place(instruction("a")) == placed
    assert await broker.open_orders() == [placed]
    amended = await broker.amend("a", lots=7, ticks=MARK - 60)
    assert (amended.report.lots, amended.report.ticks) == (7, MARK - 60)
    cancelled = await broker.cancel("a")
    assert cancelled.report.state is VenueState.CANCELLED
    assert await broker.cancel("a") == cancelled
    assert (await broker.order("never")).report.state is VenueState.UNKNOWN
    poor = await broker.place(instruction("b", lots=10_000_000))
    assert poor.report.state is not VenueState.WORKING
    with pytest.raises(RefusedError, match="ES is not traded"):
        await broker.cancel_all("ES")


async def fills_are_reported(broker, exchange):
    changes = []

    async def follow():
        async with contextlib.aclosing(broker.changes(Cursor())) as found:
            async for change in found:
                changes.append(change)  # noqa: PERF401 - one by one: the generator has no end

    def filled(name):
        return sum(
            each.lots
            for each in changes
            if isinstance(each, ExecutionSeen) and each.client_id == name
        )

    async with running(follow()):
        taken = instruction("taker", style=Style.MARKET, ticks=0)
        assert (await broker.place(taken)).report.state is VenueState.FILLED
        await broker.place(instruction("maker", ticks=MARK))
        await in_thread(exchange.trade, "BTCUSDT", SELL, 10)
        await reach(lambda: filled("taker") == filled("maker") == 10)
        (position,) = [each for each in await broker.positions() if each.lots]
        assert (position.symbol, position.lots) == ("OURS", 20)
        assert position.cost == 10 * (2 * MARK + 1) * MONEY_UNITS // 10_000
        assert (await broker.balance()).balance > 0
        await broker.place(instruction("open"))
        await broker.cancel_all("OURS")
        await reach(lambda: any(getattr(each, "client_id", "") == "open" for each in changes))
    assert [each.is_maker for each in await broker.executions(0)] == [False, True]


async def test_an_order_whose_answer_was_lost_is_not_sent_again(monkeypatch):
    """Its request arrives only after the broker has looked for it once more."""
    monkeypatch.setattr("venues.ccxt.broker.ARRIVES_S", PATIENCE_S)
    instrument = await in_thread(listed_lately)
    async with market(instrument), served(door()) as url:
        bot = await in_thread(Bot)
        settings = exchanges.settings_of("bybit", url) | {"apiKey": bot.key, "secret": bot.secret}
        async with exchanges.opened("bybit", settings) as exchange:
            contract = await exchanges.contract_of(exchange, SYMBOL)
            slow = SlowOrders(exchange)
            broker = CcxtBroker(exchange, {"OURS": contract}, quiet_s=0.0)
            with pytest.raises(UnknownOutcomeError, match="timed out"):
                await broker.place(instruction("a"))
            again = asyncio.create_task(broker.place(instruction("a")))
            await reach(lambda: slow.lookups >= 2)
            assert not again.done()
            await slow.arrive()
            assert (await again).report.state is VenueState.WORKING
            assert slow.sent == 1
            await broker.cancel_all()


class SlowOrders:
    """Requests for orders whose answers come too late: the venue gets them when `arrive` says."""

    def __init__(self, exchange):
        self.sent = self.lookups = 0
        self._create, self._look = exchange.create_order, exchange.fetch_canceled_orders
        exchange.create_order, exchange.fetch_canceled_orders = self.create, self.look

    async def create(self, *arguments):
        self.sent += 1
        self._arguments = arguments
        raise ccxt.RequestTimeout("bybit POST /v5/order/create timed out")

    async def look(self, *arguments):
        self.lookups += 1
        return await self._look(*arguments)

    async def arrive(self):
        await self._create(*self._arguments)


async def test_an_order_is_not_sent_again_to_a_venue_that_cannot_tell_what_became_of_it():
    exchange, sent = Silent(), []

    async def create_order(*arguments):
        sent.append(arguments)
        raise ccxt.RequestTimeout("timed out")

    exchange.create_order = create_order
    lattice = Lattice(Decimal("0.1"), Decimal("0.001"))
    contract = Contract(symbol=SYMBOL, lattice=lattice, currency="USDT")
    broker = CcxtBroker(exchange, {"OURS": contract}, quiet_s=0.0)
    with pytest.raises(UnknownOutcomeError, match="timed out"):
        await broker.place(instruction("a"))
    broker._doubts.sent("a", 0.0)  # the time in which it could arrive has passed
    for _ in range(2):
        with pytest.raises(UnknownOutcomeError, match="does not list orders that have ended"):
            await broker.place(instruction("a"))
        with pytest.raises(UnknownOutcomeError, match="does not list orders that have ended"):
            await broker.order("a")
    assert len(sent) == 1
    await exchange.close()


class Silent(ccxt.pro.Exchange):  # type: ignore[misc]  # mypy does not follow ccxt
    """An exchange of ccxt that lists open orders only, of which there are none."""

    id = "silent"

    def describe(self):
        return self.deep_extend(super().describe(), {"has": {"fetchOpenOrders": True}})

    async def fetch_open_orders(self, *arguments):
        return []


async def test_an_order_whose_answer_cannot_be_read_is_not_called_rejected():
    async def garbled():
        raise ccxt.BadResponse("bybit returned <html>")

    with pytest.raises(UnknownOutcomeError, match="returned <html>"):
        await requests.write(garbled)
    with pytest.raises(NotSentError):
        await requests.read(garbled)


async def test_a_book_of_bybit_is_rejected_when_a_message_is_missing():
    exchange = Bybit()
    client = exchange.client("ws://127.0.0.1:1")

    def take(kind, update):
        data = {"s": "BTCUSDT", "b": [["65000.0", "1"]], "a": [["65001.0", "1"]], "u": update}
        topic = "orderbook.50.BTCUSDT"
        seen = client.future("orderbook:BTCUSDT")
        exchange.handle_order_book(
            client, {"topic": topic, "type": kind, "ts": update, "data": data}
        )
        return seen

    assert not take("delta", 6).done()
    assert (await take("snapshot", 7))["timestamp"] == 7
    assert (await take("delta", 8))["timestamp"] == 8
    with pytest.raises(SkippedError, match="update 10 follows 8"):
        await take("delta", 10)
    assert not take("delta", 11).done()
    assert (await take("delta", 1))["timestamp"] == 1
    await exchange.close()


def test_errors_do_not_repeat_signed_queries():
    error = ccxt.RequestTimeout("binance GET https://a.b/c?apiKey=K&signature=S timed out")
    assert explained(error) == "binance GET https://a.b/c?... timed out"


def test_an_exchange_that_does_not_exist_is_named():
    with pytest.raises(FeedError, match="has no exchange 'nasdaq'"):
        adapters.feed_of("ccxt:nasdaq")
    with pytest.raises(FeedError, match="ccxt knows the addresses of kraken"):
        adapters.feed_of("ccxt:kraken", "http://127.0.0.1:1")
