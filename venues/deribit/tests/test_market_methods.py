"""Public methods: shapes and errors."""

from typing import Any

import pytest

from exchange.matching import BUY, SELL
from instruments.models import Instrument
from venues.deribit.tests.clients import MARK, NAME, public
from venues.tests.books import rest_book

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


@pytest.fixture(autouse=True)
def book(btc: Instrument) -> None:
    rest_book(btc, [(BUY, MARK - 1, 3), (BUY, MARK - 2, 4), (SELL, MARK + 1, 5)])


def result(method: str, **params: object) -> Any:
    body = public(f"public/{method}", **params)
    assert "result" in body, body
    return body["result"]


def code(method: str, **params: object) -> int:
    found: int = public(f"public/{method}", **params)["error"]["code"]
    return found


def test_instruments_and_currencies() -> None:
    (row,) = result("get_instruments")
    assert (row["instrument_name"], row["tick_size"], row["min_trade_amount"]) == (NAME, 0.5, 1.0)
    assert result("get_instrument", instrument_name=NAME) == row
    assert result("get_instruments", currency="BTC", kind="future") == [row]
    assert result("get_instruments", currency="BTC", kind="option") == []
    assert result("get_instruments", currency="USDC", expired="true") == []
    assert code("get_instruments", currency="XYZ") == -32602
    assert [each["currency"] for each in result("get_currencies")] == ["BTC", "USD", "USDC"]
    assert result("get_contract_size", instrument_name=NAME) == {"contract_size": 1.0}
    assert code("get_instrument", instrument_name="ES") == 13020


def test_order_book_has_levels_of_numbers_and_a_change_id() -> None:
    book = result("get_order_book", instrument_name=NAME, depth=1)
    assert (book["bids"], book["asks"]) == ([[64999.5, 3.0]], [[65000.5, 5.0]])
    assert (book["best_bid_price"], book["best_ask_amount"]) == (64999.5, 5.0)
    assert book["change_id"] > 0
    assert code("get_order_book", instrument_name=NAME, depth=0) == -32602


def test_ticker_shows_mark_index_and_band() -> None:
    ticker = result("ticker", instrument_name=NAME)
    known = {
        "instrument_name": NAME, "state": "open", "mark_price": 65000.0, "index_price": 65000.0,
        "best_bid_price": 64999.5, "best_ask_price": 65000.5, "max_price": 68250.0,
        "min_price": 61750.0, "open_interest": 0.0,
    }  # fmt: skip
    assert ticker | known == ticker
    assert set(ticker["stats"]) == {
        "high", "low", "price_change", "volume", "volume_usd", "volume_notional",
    }  # fmt: skip
    (summary,) = result("get_book_summary_by_currency", currency="BTC")
    assert (summary["mid_price"], summary["bid_price"]) == (65000.0, 64999.5)


def test_index_prices() -> None:
    assert result("get_index_price", index_name="btc_usd") == {
        "index_price": 65000.0, "estimated_delivery_price": 65000.0,
    }  # fmt: skip
    assert result("get_index_price_names") == ["btc_usd", "btc_usdc"]
    assert code("get_index_price", index_name="xyz_usd") == -32602
    assert code("get_index_price") == -32602


def test_trades_by_number_and_by_time() -> None:
    everything = result("get_last_trades_by_instrument", instrument_name=NAME, count=1000)
    rows = everything["trades"]
    assert rows
    assert not everything["has_more"]
    seqs = [row["trade_seq"] for row in rows]
    assert seqs == sorted(seqs, reverse=True)
    one = result("get_last_trades_by_instrument", instrument_name=NAME, count=1)
    assert one == {"trades": rows[:1], "has_more": True}
    first = result(
        "get_last_trades_by_instrument", instrument_name=NAME, start_seq=1, end_seq=1
    )["trades"]  # fmt: skip
    assert first == rows[-1:]
    span = {"start_timestamp": rows[-1]["timestamp"], "end_timestamp": rows[0]["timestamp"]}
    timed = result("get_last_trades_by_instrument_and_time", instrument_name=NAME, count=1000,
                   sorting="asc", **span)  # fmt: skip
    assert timed["trades"] == rows[::-1]
    by_currency = result("get_last_trades_by_currency", currency="BTC", count=1000)
    assert [row["trade_seq"] for row in by_currency["trades"]] == seqs
    for sorting, wanted in (("asc", rows[-1:]), ("desc", rows[:1])):
        found = result("get_last_trades_by_currency_and_time", currency="BTC", count=1,
                       sorting=sorting, **span)  # fmt: skip
        assert found == {"trades": wanted, "has_more": True}
    assert code("get_last_trades_by_instrument_and_time", instrument_name=NAME) == -32602


def test_charts_are_columns_of_equal_length() -> None:
    newest = result("get_last_trades_by_instrument", instrument_name=NAME, count=1)["trades"][0]
    span = {
        "start_timestamp": newest["timestamp"] - 3_600_000,
        "end_timestamp": newest["timestamp"],
    }
    chart = result("get_tradingview_chart_data", instrument_name=NAME, resolution="1", **span)
    assert chart["status"] == "ok"
    assert len({len(chart[name]) for name in chart if name != "status"}) == 1
    assert chart["close"][-1] == newest["price"]
    for resolution in ("3", "10", "180", "1D"):
        chart = result(
            "get_tradingview_chart_data", instrument_name=NAME, resolution=resolution,
            start_timestamp=0, end_timestamp=span["end_timestamp"],
        )  # fmt: skip
        assert chart["close"][-1] == newest["price"]
    empty = result("get_tradingview_chart_data", instrument_name=NAME, resolution="1",
                   start_timestamp=1, end_timestamp=2)  # fmt: skip
    assert (empty["status"], empty["ticks"]) == ("no_data", [])
    assert code("get_tradingview_chart_data", instrument_name=NAME, resolution="7", **span) == (
        -32602
    )


def test_methods_of_connections_need_a_websocket() -> None:
    assert code("subscribe", channels="[]") == 10030
    assert code("set_heartbeat", interval=10) == 10030
