"""Trades, candles, tickers, price limits and liquidations on the public socket."""

import asyncio

import numpy as np
import pytest

from exchange.clearing.orders import LARGEST_ID
from exchange.kinds import TRADES
from exchange.tests.clients import MARK
from journal.journal import Journal
from live.broadcast import Broadcaster
from market.kinds import Delivery
from quotes.kinds import QUOTES
from rig.histories import make_ticks
from venues.bybit.listed import all_listed
from venues.bybit.market.klines import trade_klines
from venues.bybit.market.tickers import ticker
from venues.bybit.market.trades import recent_trades
from venues.bybit.sockets import candles, pricelimits, tickers
from venues.bybit.sockets.tape import TickDirection
from venues.bybit.sockets.tests.talking import PUBLIC, connected, listed
from venues.tests.markets import in_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
AT = 1_767_254_520_000_000  # 08:02 UTC
MINUTE = 60_000_000


@pytest.fixture
def btcusdt():
    return listed()


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Send each change of candles, tickers and price limits."""
    for module in (candles, pricelimits, tickers):
        monkeypatch.setattr(module, "INTERVAL_S", 0.0)


class Tape:
    """Stores and publishes trades and quotes of one instrument."""

    def __init__(self, instrument):
        self.instrument = instrument
        self._publish = Broadcaster([instrument], asyncio.get_running_loop()).publish
        self._seq = 0

    async def trade(self, *trades):
        """Record trades of (microseconds after AT, ticks, lots, side, taker)."""
        rows = np.zeros(len(trades), TRADES.dtype)
        rows["instrument"] = self.instrument.pk
        rows["seq"] = self._seq + 1 + np.arange(len(trades))
        for row, (after, ticks, lots, side, *taker) in zip(rows, trades, strict=True):
            row["at"], row["ticks"], row["lots"], row["side"] = AT + after, ticks, lots, side
            row["slot"], row["maker"], row["taker"] = 1, 1, taker[0] if taker else 2
        self._seq += len(trades)
        await in_thread(self._append, Delivery(TRADES, rows))

    async def quote(self, ticks):
        rows = make_ticks(self.instrument, 4)[3:]
        rows["ticks"] = ticks
        await in_thread(self._append, Delivery(QUOTES, rows))

    def _append(self, delivery):
        with Journal([self.instrument], self._publish) as journal:
            journal.append([delivery])


async def test_each_trade_appears_once_as_over_rest(btcusdt):
    tape = Tape(btcusdt)
    async with connected(PUBLIC) as client:
        await tape.trade((0, MARK, 5, 1))
        await client.follow("publicTrade.BTCUSDT")
        await tape.trade((1, MARK + 1, 7, 1), (2, MARK + 1, 1, -1))
        await tape.trade((3, MARK, 2, -1))
        rows = await client.topic("publicTrade.BTCUSDT", 3)
    listing = (await in_thread(all_listed))["BTCUSDT"]
    over_rest = (await in_thread(recent_trades, listing, 3))[::-1]
    assert [(row["i"], row["p"], row["v"], row["S"], str(row["T"])) for row in rows] == [
        (row["execId"], row["price"], row["size"], row["side"], row["time"]) for row in over_rest
    ]
    assert [str(row["seq"]) for row in rows] == [row["seq"] for row in over_rest]
    assert [row["L"] for row in rows] == ["PlusTick", "ZeroPlusTick", "MinusTick"]
    assert rows[0]["seq"] == AT + 1


def test_a_tick_direction_compares_with_the_last_different_price():
    direction = TickDirection()
    assert [direction.of(ticks) for ticks in (5, 5, 4, 4, 6)] == [
        "PlusTick", "ZeroPlusTick", "MinusTick", "ZeroMinusTick", "PlusTick",
    ]  # fmt: skip


async def test_liquidations_are_trades_of_the_exchange_itself(btcusdt):
    tape = Tape(btcusdt)
    async with connected(PUBLIC) as client:
        await client.follow("allLiquidation.BTCUSDT")
        await tape.trade((0, MARK, 5, -1, -7), (1, MARK - 1, 8, -1, -LARGEST_ID - 1))
        (row,) = await client.topic("allLiquidation.BTCUSDT")
    assert row == {"T": AT // 1000, "s": "BTCUSDT", "S": "Buy", "v": "0.008", "p": "1999.9"}


async def test_a_candle_grows_and_is_confirmed_when_the_next_begins(btcusdt):
    tape = Tape(btcusdt)
    await tape.trade((0, MARK, 5, 1), (1, MARK + 4, 5, 1))
    async with connected(PUBLIC) as client:
        await client.follow("kline.1.BTCUSDT", "kline.5.BTCUSDT")
        first = await client.topic("kline.1.BTCUSDT")
        await tape.trade((2, MARK - 1, 5, 1))
        grown = await client.topic("kline.1.BTCUSDT")
        await tape.trade((MINUTE, MARK + 9, 1, 1))
        closed, begun = await client.topic("kline.1.BTCUSDT", 2)
        longer = await client.topic("kline.5.BTCUSDT", 3)
    start = AT // 1000
    assert first[0]["open"] == "2000.0"
    assert (grown[0]["high"], grown[0]["low"], grown[0]["volume"]) == ("2000.4", "1999.9", "0.015")
    assert {**grown[0], "confirm": True} == closed
    assert (closed["start"], closed["end"]) == (start, start + 59_999)
    assert (begun["start"], begun["open"], begun["confirm"]) == (start + 60_000, "2000.9", False)
    assert [row["confirm"] for row in longer] == [False] * 3
    listing = (await in_thread(all_listed))["BTCUSDT"]
    rest = (await in_thread(trade_klines, listing, "1", None, None, 2))[::-1]
    names = ("start", "open", "high", "low", "close", "volume", "turnover")
    assert [[str(row[name]) for name in names] for row in (closed, begun)] == rest


async def test_the_ticker_is_complete_at_first_and_then_only_what_changed(btcusdt):
    tape = Tape(btcusdt)
    await tape.trade((0, MARK, 5, 1))
    async with connected(PUBLIC) as client:
        await client.follow("tickers.BTCUSDT")

        def is_ticker(message):
            return message.get("topic") == "tickers.BTCUSDT"

        snapshot = await client.hear(is_ticker)
        await tape.trade((1, MARK + 3, 5, 1))
        delta = await client.hear(is_ticker)
    listing = (await in_thread(all_listed))["BTCUSDT"]
    rest = await in_thread(ticker, listing)
    assert snapshot["type"] == "snapshot"
    assert set(rest) - set(snapshot["data"]) == {"basis"}
    assert snapshot["data"]["lastPrice"] == "2000.0"
    assert delta["type"] == "delta"
    changed = {"lastPrice": "2000.3", "highPrice24h": "2000.3"}  # the highest price so far
    assert delta["data"] == {"symbol": "BTCUSDT", **changed}
    assert delta["cs"] == AT + 1


async def test_price_limits_follow_the_mark_price(btcusdt):
    tape = Tape(btcusdt)
    async with connected(PUBLIC) as client:
        await client.follow("priceLimit.BTCUSDT")

        def is_limit(message):
            return message.get("topic") == "priceLimit.BTCUSDT"

        first = await client.hear(is_limit)
        await tape.quote(MARK + 100)
        second = await client.hear(is_limit)
    assert first["data"] == {"symbol": "BTCUSDT", "buyLmt": "2100.0", "sellLmt": "1900.0"}
    assert second["data"] == {"symbol": "BTCUSDT", "buyLmt": "2110.5", "sellLmt": "1909.5"}
