"""Public endpoints: exact fields, text numbers, ordering."""

from typing import Any

import pytest

from exchange.matching import BUY, SELL
from instruments.models import Instrument
from rig.histories import START, make_instrument
from venues.bybit.sockets.tickers import widened
from venues.bybit.tests.clients import public
from venues.tests.books import rest_book
from web.sharedresults import SharedResult

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
AT_MS = round(START.timestamp() * 1_000)
LINEAR = {"category": "linear", "symbol": "BTCUSDT"}


def result(path: str, **query: Any) -> Any:
    answer = public(path, **query)
    assert (answer["retCode"], answer["retMsg"], answer["retExtInfo"]) == (0, "OK", {}), answer
    return answer["result"]


def test_time_is_the_wall_clock_in_text() -> None:
    found = result("/v5/market/time")
    assert found["timeNano"][:10] == found["timeSecond"]
    assert len(found["timeNano"]) == 19


def test_instruments_are_the_linear_perpetuals_with_a_book(btc: Instrument) -> None:
    make_instrument("ETHUSDT")  # no book
    found = result("/v5/market/instruments-info", category="linear", limit="1000")
    (row,) = found["list"]
    assert (found["category"], found["nextPageCursor"]) == ("linear", "")
    assert row["symbol"] == "BTCUSDT"
    assert (row["baseCoin"], row["quoteCoin"], row["settleCoin"]) == ("BTC", "USDT", "USDT")
    assert row["priceFilter"]["tickSize"] == "0.1"
    assert row["lotSizeFilter"]["qtyStep"] == "0.001"
    assert row["contractType"] == "LinearPerpetual"


@pytest.mark.parametrize("category", ["spot", "inverse", "option"])
def test_other_categories_are_empty(btc: Instrument, category: str) -> None:
    assert result("/v5/market/instruments-info", category=category)["list"] == []
    assert result("/v5/market/tickers", category=category)["list"] == []


def test_ticker_has_text_numbers_of_the_last_day(btc: Instrument) -> None:
    (row,) = result("/v5/market/tickers", **LINEAR)["list"]
    assert (row["lastPrice"], row["markPrice"]) == ("65000.0", "65000.0")
    assert (row["highPrice24h"], row["lowPrice24h"]) == ("65000.1", "65000.0")
    assert (row["volume24h"], row["price24hPcnt"]) == ("0.027", "0")
    assert row["turnover24h"] == "1755.0012"
    assert (row["bid1Price"], row["bid1Size"]) == ("", "0")
    assert all(isinstance(value, str) for value in row.values())


def test_trades_come_newest_first_with_their_ids(btc: Instrument) -> None:
    rows = result("/v5/market/recent-trade", **LINEAR, limit=4)["list"]
    assert [row["size"] for row in rows] == ["0.007", "0.006", "0.005", "0.004"]
    assert [row["price"] for row in rows] == ["65000.0", "65000.1"] * 2
    assert [row["side"] for row in rows] == ["Sell", "Buy", "Buy", "Sell"]
    assert rows[0]["time"] == str(AT_MS + 2_000)
    assert len({row["execId"] for row in rows}) == 4


def test_klines_are_rows_of_text_newest_first(btc: Instrument) -> None:
    found = result("/v5/market/kline", **LINEAR, interval="1", limit=10)
    assert (found["category"], found["symbol"]) == ("linear", "BTCUSDT")
    minute = str(AT_MS // 60_000 * 60_000)
    assert found["list"] == [
        [minute, "65000.1", "65000.1", "65000.0", "65000.0", "0.027", "1755.0013"]
    ]


@pytest.mark.parametrize(
    "interval", ["1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M"]
)
def test_every_interval_has_the_candle_of_now(btc: Instrument, interval: str) -> None:
    (row,) = result("/v5/market/kline", **LINEAR, interval=interval)["list"]
    assert row[1:6] == ["65000.1", "65000.1", "65000.0", "65000.0", "0.027"]
    assert int(row[0]) <= AT_MS
    for path in ("mark-price-kline", "index-price-kline", "premium-index-price-kline"):
        (row,) = result(f"/v5/market/{path}", **LINEAR, interval=interval)["list"]
        assert len(row) == 5


def test_order_book_has_bids_descending_and_asks_ascending(btc: Instrument) -> None:
    found = result("/v5/market/orderbook", **LINEAR)
    assert (found["s"], found["b"], found["a"]) == ("BTCUSDT", [], [])
    rest_book(btc, [(BUY, 649_990, 10), (BUY, 649_999, 1_500), (SELL, 650_001, 7)])
    SharedResult.forget_all()
    found = result("/v5/market/orderbook", **LINEAR, limit=1)
    assert found["b"] == [["64999.9", "1.500"]]
    found = result("/v5/market/orderbook", **LINEAR)
    assert found["b"] == [["64999.9", "1.500"], ["64999.0", "0.010"]]
    assert found["a"] == [["65000.1", "0.007"]]
    assert (found["u"], found["cts"], found["seq"]) == (1, AT_MS + 2_000, (AT_MS + 2_000) * 1_000)
    (row,) = result("/v5/market/tickers", **LINEAR)["list"]
    assert (row["bid1Price"], row["bid1Size"]) == ("64999.9", "1.500")
    assert (row["ask1Price"], row["ask1Size"]) == ("65000.1", "0.007")


def test_limits_funding_and_interest_have_the_fields_of_bybit(btc: Instrument) -> None:
    tiers = result("/v5/market/risk-limit", **LINEAR)["list"]
    assert [tier["id"] for tier in tiers] == [1, 2, 3, 4, 5]
    assert (tiers[0]["maxLeverage"], tiers[0]["maintenanceMargin"]) == ("100", "0.005")
    assert tiers[1]["mmDeduction"] == "10000"  # 2,000,000 at 1 % - 0.5 %
    limits = result("/v5/market/price-limit", **LINEAR)
    assert (limits["buyLmt"], limits["sellLmt"]) == ("68250.0", "61750.0")
    (interest,) = result("/v5/market/open-interest", **LINEAR, intervalTime="1h")["list"]
    assert interest["openInterest"] == "0"
    funding = result("/v5/market/funding/history", **LINEAR, limit=1)["list"]
    assert [row["fundingRate"] for row in funding] == ["0.0001"]
    assert int(funding[0]["fundingRateTimestamp"]) % 28_800_000 == 0
    assert result("/v5/system/status")["list"] == []


@pytest.mark.parametrize(
    ("path", "query", "text"),
    [
        ("/v5/market/kline", LINEAR, "interval is missing"),
        ("/v5/market/kline", LINEAR | {"interval": "2"}, "interval '2' is not one of 1, 3, 5"),
        ("/v5/market/kline", LINEAR | {"interval": "1", "start": "2", "end": "1"}, "end is before"),
        ("/v5/market/orderbook", LINEAR | {"limit": "1001"}, "limit '1001' is not a whole number"),
        ("/v5/market/orderbook", {"category": "linear"}, "symbol is missing"),
        ("/v5/market/orderbook", LINEAR | {"symbol": "ES"}, "symbol invalid: 'ES'"),
        ("/v5/market/tickers", {"category": "linear", "symbol": "X\0"}, "printable"),
        ("/v5/market/tickers", {"category": "futures"}, "category 'futures' is not one of"),
        ("/v5/market/recent-trade", LINEAR | {"category": "spot"}, "category spot has no"),
    ],
)
def test_wrong_parameters_are_named(
    btc: Instrument, path: str, query: dict[str, str], text: str
) -> None:
    answer = public(path, **query)
    assert answer["retCode"] == 10001
    assert text in answer["retMsg"]
    assert answer["result"] == {}


def test_range_of_the_day_contains_a_newer_price() -> None:
    day = {"highPrice24h": "100.5", "lowPrice24h": "99.5"}
    assert widened({**day, "lastPrice": "101.0"}) == {**day, "highPrice24h": "101.0"}
    assert widened({**day, "lastPrice": "9.0"}) == {**day, "lowPrice24h": "9.0"}
    assert widened({"highPrice24h": "", "lowPrice24h": "", "lastPrice": "9.0"}) == {}
