"""The UDF datafeed, queried like TradingView's client does."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client

from instruments.models import Instrument
from quotes.http import history
from quotes.models import Regime
from rig.histories import make_instrument, make_ticks, record

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
FAR = 4_000_000_000


@pytest.fixture
def market() -> Instrument:
    instrument = make_instrument()
    record(make_ticks(instrument, 5_000), regimes=5)
    return instrument


def ask(client: Client, path: str, **query: Any) -> Any:
    answer = client.get(f"/udf/{path}", query)
    assert answer.status_code == 200, answer.content
    assert answer["Access-Control-Allow-Origin"] == "*"
    return answer.json()


def every(instrument: Instrument, timeframe_s: int = 60) -> Sequence[Sequence[Any]]:
    return history.candles(instrument, timeframe_s, 0, None, 10_000).rows


def test_configuration_lists_served_resolutions(client: Client) -> None:
    config = ask(client, "config")
    assert config["supported_resolutions"] == ["1", "5", "15", "30", "60", "240", "1D", "1W"]
    assert config["supports_search"] is True
    assert config["supports_group_request"] is False
    assert all({"value", "name", "desc"} == set(one) for one in config["exchanges"])


@pytest.mark.parametrize("name", ["ES", "PyTrade:ES"])
def test_symbol_resolves_with_its_price_scale(client: Client, market: Any, name: str) -> None:
    symbol = ask(client, "symbols", symbol=name)
    assert (symbol["name"], symbol["ticker"], symbol["session"]) == ("ES", "ES", "24x7")
    assert symbol["minmov"] / symbol["pricescale"] == 0.25
    assert (symbol["timezone"], symbol["currency_code"]) == ("Etc/UTC", "USD")
    assert "s" not in symbol


@pytest.mark.parametrize("path", ["symbols", "history", "marks", "timescale_marks"])
@pytest.mark.parametrize("name", ["NOPE", "E\0S", "PyTrade:"])
def test_unknown_symbol_is_an_error(client: Client, path: str, name: str) -> None:
    answer = ask(client, path, symbol=name, resolution="1", **{"from": 0, "to": FAR})
    assert answer == {"s": "error", "errmsg": f"unknown_symbol {name}"}


def test_search_finds_symbols_and_names(client: Client, market: Any) -> None:
    make_instrument("NQ")
    answer = ask(client, "search", query="e", type="", exchange="", limit=30)
    assert answer[0] == {
        "symbol": "ES", "full_name": "PyTrade:ES", "description": "ES",
        "exchange": "PyTrade", "ticker": "ES", "type": "index",
    }  # fmt: skip
    assert len(ask(client, "search", query="", limit=1)) == 1
    assert ask(client, "search", query="nq", exchange="PyTrade")[0]["symbol"] == "NQ"
    assert ask(client, "search", query="es", type="stock") == []


def test_history_returns_candles_with_times_in_seconds(client: Client, market: Instrument) -> None:
    rows = every(market)
    asked = {"symbol": "ES", "resolution": "1", "from": rows[3][0] // 1000}
    answer = ask(client, "history", to=rows[9][0] // 1000, **asked)
    assert answer["s"] == "ok"
    assert answer["t"] == [row[0] // 1000 for row in rows[3:9]]
    for key, column in zip("ohlcv", range(1, 6), strict=True):
        assert answer[key] == [row[column] for row in rows[3:9]]


@pytest.mark.parametrize("name", ["1", "5", "60", "D", "1D", "1W"])
def test_every_resolution_ends_with_the_open_bar(
    client: Client, market: Instrument, name: str
) -> None:
    answer = ask(client, "history", symbol="ES", resolution=name, to=FAR, countback=1_000)
    assert answer["s"] == "ok"
    assert answer["t"] == sorted(answer["t"])
    assert sum(answer["v"]) == 5_000


def test_countback_overrides_from(client: Client, market: Instrument) -> None:
    rows = every(market)
    to = rows[50][0] // 1000
    answer = ask(
        client, "history", symbol="ES", resolution="1", to=to, countback=20, **{"from": to - 60}
    )
    assert answer["t"] == [row[0] // 1000 for row in rows[30:50]]


def test_no_data_names_the_previous_bar(client: Client, market: Instrument) -> None:
    rows = every(market)
    asked = {"symbol": "ES", "resolution": "1"}
    after = ask(client, "history", to=FAR, **asked, **{"from": FAR - 3_600})
    assert after == {"s": "no_data", "nextTime": rows[-1][0] // 1000}
    before = ask(client, "history", to=rows[0][0] // 1000, countback=300, **asked)
    assert before == {"s": "no_data"}
    make_instrument("NQ")
    assert ask(client, "history", symbol="NQ", resolution="1", to=FAR, countback=2) == {
        "s": "no_data"
    }


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"resolution": "2"}, "resolution"),
        ({"from": "yesterday"}, "from"),
        ({"to": ""}, "to"),
        ({"to": "9" * 30}, "to"),
        ({"from": 5, "to": 4}, "from"),
        ({"countback": "-1"}, "countback"),
        ({"symbol": ""}, "symbol"),
    ],
)
def test_invalid_parameters_are_named(
    client: Client, market: Any, changed: dict[str, Any], named: str
) -> None:
    asked = {"symbol": "ES", "resolution": "1", "from": 0, "to": FAR} | changed
    answer = ask(client, "history", **asked)
    assert answer["s"] == "error"
    assert answer["errmsg"].startswith(f"{named}:")


def test_marks_are_regime_changes(client: Client, market: Any) -> None:
    asked = {"symbol": "ES", "resolution": "1", "from": 0, "to": FAR}
    marks = ask(client, "marks", **asked)
    regimes = list(Regime.objects.order_by("first_seq"))
    assert marks["id"] == [regime.first_seq for regime in regimes]
    assert marks["time"] == [int(regime.at.timestamp()) for regime in regimes]
    assert {len(column) for column in marks.values()} == {5}
    below = ask(client, "timescale_marks", **asked)
    assert [mark["time"] for mark in below] == marks["time"]


def test_time_is_plain_seconds(client: Client) -> None:
    answer = client.get("/udf/time")
    assert answer["Content-Type"] == "text/plain"
    assert abs(int(answer.content) - time.time()) < 5


def test_volume_is_the_traded_quantity_where_there_are_trades(client: Client) -> None:
    es = make_instrument()
    record(make_ticks(es, 2_000), trades=3)
    trades = client.get("/api/v1/instruments/ES/candles/?of=trades&timeframe=5m&limit=all").json()
    volume = trades["columns"].index("volume")
    bars = ask(client, "history", symbol="ES", resolution="5", to=FAR, countback=1_000)
    assert bars["t"] == [row[0] // 1000 for row in trades["rows"]]
    assert bars["v"] == [row[volume] for row in trades["rows"]]
    assert sum(bars["v"]) > 3 * 2_000
    last = ask(client, "history", symbol="ES", resolution="5", to=bars["t"][3], countback=2)
    assert (last["t"], last["v"]) == (bars["t"][1:3], bars["v"][1:3])


def test_volume_counts_ticks_where_there_are_no_trades(client: Client, market: Instrument) -> None:
    bars = ask(client, "history", symbol="ES", resolution="1D", to=FAR, countback=5)
    assert sum(bars["v"]) == 5_000
