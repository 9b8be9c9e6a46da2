"""Channels: what is sent at first and afterwards, as over HTTP."""

import asyncio

import numpy as np
import pytest

from exchange.engine.messages import BUY, SELL
from exchange.kinds import TRADES
from journal.journal import Journal
from live.broadcast import Broadcaster
from market.kinds import Delivery
from quotes.kinds import QUOTES
from rig.histories import make_ticks
from venues.deribit.sockets import prices, publishing, tape
from venues.deribit.tests.clients import LIMIT, MARK, MARKET, NAME, Client, listed, public
from venues.deribit.tests.talking import connected
from venues.doors.publishers import current_publishers
from venues.doors.sockets import INTERNAL_ERROR
from venues.tests.books import rest_book
from venues.tests.markets import in_thread, market

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
AT = 1_767_254_520_000_000  # 08:02 UTC
MINUTE = 60_000_000


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Send each change of prices and candles."""
    monkeypatch.setattr(publishing, "INDEX_S", 0.0)
    monkeypatch.setattr(tape, "CHART_S", 0.0)


@pytest.fixture
def btc():
    return listed(trades=0)


class Tape:
    """Stores and publishes trades and quotes of one instrument."""

    def __init__(self, instrument):
        self.instrument = instrument
        self._publish = Broadcaster([instrument], asyncio.get_running_loop()).publish
        self._seq = 0

    async def trade(self, *trades):
        """Record trades of (microseconds after AT, ticks, lots, side)."""
        rows = np.zeros(len(trades), TRADES.dtype)
        rows["instrument"] = self.instrument.pk
        rows["seq"] = self._seq + 1 + np.arange(len(trades))
        for row, (after, ticks, lots, side) in zip(rows, trades, strict=True):
            row["at"], row["ticks"], row["lots"], row["side"] = AT + after, ticks, lots, side
            row["slot"], row["maker"], row["taker"] = 3, 1, 2
        self._seq += len(trades)
        await in_thread(self._append, Delivery(TRADES, rows))

    async def quote(self, ticks):
        rows = make_ticks(self.instrument, 4)[3:]
        rows["ticks"] = ticks
        await in_thread(self._append, Delivery(QUOTES, rows))

    def _append(self, delivery):
        with Journal([self.instrument], self._publish) as journal:
            journal.append([delivery])


async def test_price_index_begins_with_the_newest_price(btc):
    feed = Tape(btc)
    async with connected() as client:
        name = "deribit_price_index.btc_usd"
        assert await client.call("public/subscribe", channels=[name]) == [name]
        first = await client.news(name)
        await feed.quote(MARK + 3)
        second = await client.news(name)
    assert (first["price"], first["index_name"]) == (65000.0, "btc_usd")
    assert (second["price"], second["timestamp"] > first["timestamp"]) == (65001.5, True)


async def test_each_trade_appears_once_as_over_http(btc):
    feed = Tape(btc)
    names = [f"trades.{NAME}.100ms", "trades.any.any.100ms"]
    async with connected() as client:
        await feed.trade((0, MARK, 5, 1))
        await client.call("public/subscribe", channels=names)
        await feed.trade((1, MARK + 1, 7, 1), (2, MARK + 1, 1, -1))
        rows = {name: [] for name in names}
        for name in names:
            while len(rows[name]) < 2:
                rows[name] += await client.news(name)
    query = {"instrument_name": NAME, "count": 2, "sorting": "asc"}
    body = await in_thread(public, "public/get_last_trades_by_instrument", **query)
    assert rows[names[0]] == rows[names[1]] == body["result"]["trades"]


async def test_candle_grows_and_is_followed_by_the_next(btc):
    feed = Tape(btc)
    await feed.trade((0, MARK, 5, 1), (1, MARK + 4, 5, 1))
    name = f"chart.trades.{NAME}.1"
    async with connected() as client:
        await client.call("public/subscribe", channels=[name])
        first = await client.news(name)
        await feed.trade((2, MARK - 1, 5, 1))
        grown = await client.news(name)
        await feed.trade((MINUTE, MARK + 9, 1, 1))
        while (begun := await client.news(name))["tick"] == first["tick"]:
            assert begun == grown
    assert first == {
        "tick": AT // 1000, "open": 65000.0, "high": 65002.0, "low": 65000.0, "close": 65002.0,
        "volume": 10.0, "cost": first["cost"],
    }  # fmt: skip
    assert (grown["low"], grown["volume"]) == (64999.5, 15.0)
    assert (begun["open"], begun["volume"]) == (65004.5, 1.0)


async def test_book_begins_with_a_snapshot_and_numbers_its_changes(btc):
    name, grouped, quote = f"book.{NAME}.100ms", f"book.{NAME}.none.1.100ms", f"quote.{NAME}"
    async with market(btc, mark=MARK) as exchange, connected() as client:
        await client.call("public/subscribe", channels=[name, grouped, quote])
        snapshot = await client.news(name)
        await in_thread(exchange.provide, NAME, BUY, MARK - 1, 7)
        await in_thread(exchange.store)
        whole, best = await client.news(grouped), await client.news(quote)
    assert (snapshot["type"], snapshot["instrument_name"]) == ("snapshot", NAME)
    assert "prev_change_id" not in snapshot
    assert set(whole) == {"timestamp", "instrument_name", "change_id", "bids", "asks"}
    assert set(best) == {
        "timestamp", "instrument_name", "best_bid_price", "best_bid_amount", "best_ask_price",
        "best_ask_amount",
    }  # fmt: skip


async def test_ticker_has_the_fields_of_http(btc):
    await in_thread(rest_book, btc, [(BUY, MARK - 1, 3), (SELL, MARK + 1, 5)])
    names = [f"ticker.{NAME}.100ms", f"incremental_ticker.{NAME}"]
    async with connected() as client:
        await client.call("public/subscribe", channels=names)
        whole, part = await client.news(names[0]), await client.news(names[1])
    body = await in_thread(public, "public/ticker", instrument_name=NAME)
    assert set(whole) == set(body["result"])
    assert part == {"type": "snapshot", **whole}
    assert (whole["best_bid_price"], whole["mark_price"]) == (64999.5, 65000.0)


async def test_ticker_that_cannot_be_read_disconnects_its_subscribers(btc, monkeypatch):
    def broken(listed):
        raise RuntimeError("a defect")

    monkeypatch.setattr(prices, "READ_S", 0.02)
    async with connected() as client:
        await client.call("public/subscribe", channels=[f"ticker.{NAME}.100ms"])
        monkeypatch.setattr(prices, "ticker", broken)
        assert await client.closed() == INTERNAL_ERROR


async def test_orders_trades_and_money_of_an_account(btc):
    client = await in_thread(Client)
    names = ["user.orders.any.any.raw", f"user.orders.{NAME}.100ms", "user.trades.any.any.raw",
             "user.portfolio.usdc", "user.orders.any.ETH.raw"]  # fmt: skip
    async with market(btc, mark=MARK), connected() as socket:
        await socket.call("public/auth", grant_type="client_credentials", client_id=client.key,
                          client_secret=client.secret)  # fmt: skip
        assert await socket.call("private/subscribe", channels=names) == names
        money = await socket.news(names[3])
        made = await socket.call("private/buy", **MARKET)
        order = await socket.news(names[0])
        (listed_order,) = await socket.news(names[1])
        (trade,) = await socket.news(names[2])
        after = await socket.news(names[3])
        resting = (await socket.call("private/buy", **LIMIT))["order"]
        seen = await socket.news(names[0])
    assert (money["currency"], money["balance"]) == ("USDC", 1_000_000.0)
    assert order == listed_order == made["order"]
    assert [trade] == made["trades"]
    assert after["balance"] < money["balance"]
    assert seen == resting


async def test_channels_that_do_not_exist_are_not_followed(btc):
    async with connected() as client:
        names = ["platform_state", "quote.ES", "user.orders.any.any.raw", "nonsense"]
        assert await client.call("public/subscribe", channels=names) == names[:1]
        assert (await client.refused("public/subscribe", channels=["quote.ES"]))[0] == 13017
        assert await client.call("public/unsubscribe", channels=names) == names[:1]
        assert await client.call("public/unsubscribe_all") == "ok"


async def test_connections_share_a_channel_and_leave_nothing_open(btc):
    name = f"trades.{NAME}.100ms"
    async with connected() as first, connected() as second:
        for client in (first, second, first):
            assert await client.call("public/subscribe", channels=[name]) == [name]
        assert len(current_publishers()) == 1
    assert len(current_publishers()) == 0
