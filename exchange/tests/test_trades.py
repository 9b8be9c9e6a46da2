"""Trades and their candles: derived, rebuilt, served and audited."""

import csv
import itertools
import json
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.test import Client

from archive.auditing import audit
from archive.rangescans import scan
from archive.selections import EVER
from exchange.depth.recording import BlockWriter
from exchange.kinds import (
    BLOCKS,
    CANDLES_OF_TRADES,
    EPISODES,
    FLOW,
    TRADE_CANDLES,
    TRADES,
    EpisodeKind,
)
from exchange.models import Trade, TradeCandle
from instruments.models import Instrument
from journal.journal import Journal, JournalError, load_tail
from live.frames import publications
from live.streams import streams_of
from market.candles import TRADE_CANDLE, Candles
from market.kinds import Delivery, Rows
from market.timeframes import SECONDS, opened_at
from quotes.derived import RecordedCandles, closed_candles
from quotes.kinds import QUOTES
from rig.histories import make_ticks, make_trades

pytestmark = pytest.mark.django_db
API = "/api/v1/instruments"
Query = dict[str, str | int]


@pytest.fixture
def es() -> Instrument:
    return Instrument.objects.create(
        symbol="ES", name="ES", tick_size="0.25", lot_size="0.1", has_book=True
    )


def store(instrument: Instrument, trades: Rows, cuts: list[int] | None = None) -> Rows:
    with Journal([instrument]) as journal:
        for first, end in itertools.pairwise(cuts or [0, len(trades)]):
            journal.append([Delivery(TRADES, trades[first:end])])
            journal.reload()  # open candles are loaded again
    return trades


def naive_candles(trades: Rows, seconds: int) -> Candles:
    """Return candles, the open one last, trade by trade."""
    made: dict[int, list[int]] = {}
    for trade in trades.tolist():
        _, seq, at, _, ticks, lots, side, *_ = trade
        opened = opened_at(at, seconds)
        candle = made.setdefault(opened, [opened, ticks, ticks, ticks, ticks, seq, seq, 0, 0, 0])
        candle[2], candle[3] = max(candle[2], ticks), min(candle[3], ticks)
        candle[4], candle[6] = ticks, seq
        candle[7] += 1
        candle[8] += lots
        candle[9] += lots if side == 1 else 0
    return np.array([tuple(candle) for candle in made.values()], dtype=TRADE_CANDLE)


def test_closed_candles_equal_those_made_trade_by_trade(es: Instrument) -> None:
    trades = make_trades(make_ticks(es, 2_000, interval_s=97))
    store(es, trades, [0, 1, 2, 9, 500, 501, 4_000, 6_000])
    for seconds in SECONDS:
        stored = closed_candles(CANDLES_OF_TRADES, es, seconds, EVER)
        assert np.array_equal(stored, naive_candles(trades, seconds)[:-1]), seconds


def test_restart_restores_open_candles(es: Instrument) -> None:
    trades = store(es, make_trades(make_ticks(es, 1_500, interval_s=61)))
    with Journal([es]) as journal:
        tail = load_tail(es, TRADES, journal.tail(es.pk, TRADES).place)
    ending = trades[-1:].copy()
    ending["at"] += 15 * 86_400_000_000
    candles = tail.derived[0]
    assert isinstance(candles, RecordedCandles)
    closed = candles.ladder.extend(ending)
    for seconds in SECONDS:
        assert closed[seconds][-1] == naive_candles(trades, seconds)[-1]


@pytest.mark.parametrize("timeframe", ["1m", "1h", "1w"])
def test_candles_of_trades_are_served_with_the_open_one(
    es: Instrument, client: Client, timeframe: str
) -> None:
    trades = store(es, make_trades(make_ticks(es, 700, interval_s=13)))
    query = {"of": "trades", "timeframe": timeframe, "limit": "1000"}
    page = client.get(f"{API}/ES/candles/", query).json()
    assert page["columns"] == [
        "opened_at", "open", "high", "low", "close", "count", "first_seq", "last_seq",
        "volume", "buy_volume", "trades",
    ]  # fmt: skip
    seconds = {"1m": 60, "1h": 3_600, "1w": 604_800}[timeframe]
    for row, candle in zip(page["rows"], naive_candles(trades, seconds), strict=True):
        opened, *prices, first, last, count, volume, buys = candle.tolist()
        ohlc = [ticks / 4 for ticks in prices]
        sums = [volume / 10, buys / 10, count]
        assert row == [opened // 1000, *ohlc, count, first, last, *sums]
    assert page["open_candle"] is True
    exported = client.get(f"{API}/ES/candles/", query | {"format": "arrow", "limit": "all"})
    table = pa.ipc.open_stream(exported.getvalue()).read_all()
    assert table["volume"].to_pylist() == [row[8] for row in page["rows"]]


def test_candles_of_unknown_records_are_refused(es: Instrument, client: Client) -> None:
    answer = client.get(f"{API}/ES/candles/", {"of": "orders"})
    assert answer.status_code == 400
    assert answer.json()["errors"] == {"of": ["'orders' is not one of quotes, trades"]}
    assert client.get(f"{API}/ES/candles/", {"of": "trades"}).json()["rows"] == []
    assert client.get(f"{API}/XX/candles/", {"of": "trades"}).status_code == 404


def test_trade_below_one_lot_is_not_recorded(es: Instrument) -> None:
    trades = make_trades(make_ticks(es, 2))
    trades["lots"][3] = 0
    with pytest.raises(JournalError, match=r"trades\.ES: trade 4 has .* 0 lots"):
        store(es, trades)
    assert len(scan(TRADES, es)) == 0


def audited_market(es: Instrument) -> None:
    """Store 100 slots with trades and, as blocks do, the slot in progress after them."""
    ticks = make_ticks(es, 100, interval_s=7)
    block = BlockWriter(es.pk).take(int(ticks["at"][-1]), slot=101, event=0)
    with Journal([es]) as journal:
        deliveries = [(QUOTES, ticks), (TRADES, make_trades(ticks)), (BLOCKS, block)]
        journal.append([Delivery(kind, rows) for kind, rows in deliveries])


def change(seq: int, **fields: Any) -> None:
    Trade.objects.filter(seq=seq).update(**fields)


DEFECTS = [
    (lambda: change(9, ticks=1), "trade 9 ends slot 3 at 1 ticks"),
    (lambda: change(300, ticks=1), "trade 300 ends slot 100 at 1 ticks"),
    (lambda: change(9, slot=2), r"trade 8 ends slot 3 at .*|trade 9 of slot 2 follows one of 3"),
    (lambda: change(300, slot=101), "trade 299 ends slot 100"),
    (lambda: Trade.objects.filter(seq=5).delete(), "trades: seq 4 is followed by 6"),
    (
        lambda: TradeCandle.objects.filter(timeframe=60).update(volume=1),
        r"trade_candles: 1m of .* has volume 1 instead of \d+",
    ),
]


def test_audit_of_trades_finds_nothing_wrong(es: Instrument) -> None:
    audited_market(es)
    report = audit(es)
    assert report.violations == []
    assert report.counts["trades"] == 300
    assert report.counts[TRADE_CANDLES.name] == TradeCandle.objects.count() > 10


@pytest.mark.parametrize(("spoil", "violation"), DEFECTS)
def test_audit_finds_wrong_trades(es: Instrument, spoil: Any, violation: str) -> None:
    audited_market(es)
    spoil()
    assert re.search(violation, "\n".join(audit(es).violations))


def test_audit_accepts_a_slot_that_has_not_ended(es: Instrument) -> None:
    audited_market(es)
    trades = make_trades(make_ticks(es, 101, interval_s=7))[300:301]
    trades["slot"] = 101
    store(es, trades)
    assert audit(es).violations == []


def read_stream(body: bytes) -> pa.Table:
    return pa.ipc.open_stream(body).read_all()


def test_trades_are_served_with_order_ids_on_request(es: Instrument, client: Client) -> None:
    trades = store(es, make_trades(make_ticks(es, 20)))
    page = client.get(f"{API}/ES/trades/", {"since_seq": 30, "limit": 2}).json()
    assert page["columns"] == ["seq", "at", "price", "quantity", "side"]
    at, ticks = int(trades["at"][30]) // 1000, int(trades["ticks"][30])
    assert page["rows"][0] == [31, at, ticks / 4, 0.4, "buy"]
    following = client.get(f"{API}/ES/trades/", {"cursor": page["next_cursor"], "format": "csv"})
    assert following.getvalue().splitlines()[1].split(b",")[0] == b"33"
    with_ids = client.get(f"{API}/ES/trades/", {"ids": "on", "since_seq": "59"}).json()
    assert with_ids["columns"][5:] == ["maker", "taker"]
    assert with_ids["rows"][0][5:] == [120, 60]
    assert client.get(f"{API}/ES/trades/", {"ids": "yes"}).status_code == 400


def test_time_and_sales_are_what_flowsurface_reads(es: Instrument, client: Client) -> None:
    """Its client sends venue, market, a symbol in lower case and inclusive milliseconds."""
    trades = store(es, make_trades(make_ticks(es, 50)))
    at = trades["at"] // 1000
    query = {"venue": "bybit", "market": "linear", "symbol": "es", "limit": "400000"}
    answer = client.get("/api/v1/trades.arrow", query | {"from": at[30], "to": at[60]})
    assert answer["Content-Type"] == "application/vnd.apache.arrow.stream"
    sales = read_stream(answer.getvalue())
    assert [(field.name, str(field.type)) for field in sales.schema] == [
        ("ts", "int64"), ("price", "double"), ("qty", "double"), ("is_sell", "bool"),
    ]  # fmt: skip
    wanted = trades[30:63]
    assert sales["ts"].to_pylist() == (wanted["at"] // 1000).tolist()
    assert sales["price"].to_pylist() == (wanted["ticks"] / 4).tolist()
    assert sales["qty"].to_pylist() == (wanted["lots"] / 10).tolist()
    assert sales["is_sell"].to_pylist() == (wanted["side"] < 0).tolist()


def test_pages_of_time_and_sales_lose_no_trades_of_a_millisecond(
    es: Instrument, client: Client
) -> None:
    trades = store(es, make_trades(make_ticks(es, 50)))  # three in each millisecond
    last = int(trades["at"][-1]) // 1000
    cursor = int(trades["at"][0]) // 1000
    found: list[float] = []
    while cursor <= last:  # as flowsurface pages
        query: Query = {"symbol": "es", "from": cursor, "to": last, "limit": 10}
        page = read_stream(client.get("/api/v1/trades.arrow", query).getvalue())
        assert 10 <= len(page) <= 12 or found
        found += page["qty"].to_pylist()
        cursor = page["ts"][-1].as_py() + 1
    assert found == (trades["lots"] / 10).tolist()


def test_time_and_sales_of_a_span_and_its_problems(es: Instrument, client: Client) -> None:
    trades = store(es, make_trades(make_ticks(es, 50)))
    at = trades["at"] // 1000
    span = {"symbol": "ES", "start": at[30], "end": at[60]}
    assert len(read_stream(client.get("/api/v1/trades.arrow", span).getvalue())) == 30
    limited = client.get("/api/v1/trades.arrow", {"symbol": "ES", "limit": "7"}).getvalue()
    assert read_stream(limited)["ts"].to_pylist() == at[:7].tolist()
    wrong: list[tuple[Query, int, str]] = [
        ({}, 400, "symbol"),
        ({"symbol": "XX"}, 404, ""),
        ({"symbol": "ES", "limit": 0}, 400, "limit"),
        ({"symbol": "ES", "from": "soon"}, 400, "from"),
        ({"symbol": "ES", "side": "buy"}, 400, "side"),
    ]
    for query, status, name in wrong:
        answer = client.get("/api/v1/trades.arrow", query)
        assert (answer.status_code, name in answer.json().get("errors", {name: 0})) == (
            status,
            True,
        )


def test_flow_and_episodes_are_served_as_text_numbers_and_documents(
    es: Instrument, client: Client
) -> None:
    flow, episodes = np.zeros(1, FLOW.dtype), np.zeros(1, EPISODES.dtype)
    for rows in (flow, episodes):
        rows["instrument"], rows["seq"], rows["at"] = es.pk, 1, 5_000_000
    flow["kappa"], flow["levels"] = 0.15, 200
    episodes["kind"], episodes["data"] = EpisodeKind.SPOOFING, [b'{"orders":[65537],"lots":900}']
    with Journal([es]) as journal:
        journal.append([Delivery(FLOW, flow), Delivery(EPISODES, episodes)])
    page = client.get(f"{API}/ES/flow/").json()
    assert dict(zip(page["columns"], page["rows"][0], strict=True)).items() >= {
        "started_at": 5_000, "kappa": 0.15, "levels": 200,
    }.items()  # fmt: skip
    page = client.get(f"{API}/ES/episodes/").json()
    shown = dict(zip(page["columns"], page["rows"][0], strict=True))
    assert shown["kind"] == "spoofing"
    assert shown["details"] == {"orders": [65537], "lots": 900}
    lines = client.get(f"{API}/ES/episodes/", {"format": "csv"}).getvalue().decode().splitlines()
    row = next(csv.DictReader(lines[1:], lines[0].split(",")))
    assert json.loads(row["details"]) == shown["details"]
    exported = client.get(f"{API}/ES/episodes/", {"format": "arrow"}).getvalue()
    assert json.loads(read_stream(exported)["details"][0].as_py()) == shown["details"]


def test_topic_of_trades_resumes_with_the_rows_that_it_publishes(es: Instrument) -> None:
    trades = store(es, make_trades(make_ticks(es, 20)))
    streams = streams_of("trades.ES")
    assert streams is not None
    missed = streams.missed("ES", 57, 10_000)
    (published,) = publications(TRADES, "ES", es.lattice, trades[57:])
    frame: dict[str, Any] = json.loads(published["text"], object_hook=rows_as_tuples)
    assert missed.frames == [frame]
    assert frame["type"] == "trades"
    at, ticks = int(trades["at"][59]) // 1000, int(trades["ticks"][59])
    assert frame["data"][-1] == (60, at, ticks / 4, 0.5, "sell")
    assert (published["first_seq"], published["last_seq"], missed.last_seq) == (58, 60, 60)


def rows_as_tuples(frame: dict[str, Any]) -> dict[str, Any]:
    return frame | {"data": [tuple(row) for row in frame["data"]]}
