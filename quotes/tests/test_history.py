import numpy as np
import pytest
from pytest_django import DjangoAssertNumQueries

from market.candles import from_ticks
from market.timeframes import SECONDS, TIMEFRAMES
from market.times import from_microseconds
from quotes.http import history
from quotes.http.history import CANDLE_COLUMNS
from quotes.models import Quote
from rig.histories import make_instrument, make_ticks, record

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("timeframe_s", SECONDS, ids=list(TIMEFRAMES))
@pytest.mark.parametrize("count", [1, 7, 1_500, 20_011])
def test_candles_including_open_one_equal_recomputation_from_ticks(
    timeframe_s: int, count: int
) -> None:
    instrument = make_instrument("EURUSD", "0.00001")
    ticks = record(make_ticks(instrument, count, interval_s=61 if count > 10_000 else 1))
    expected = [
        tuple(
            int(candle[name]) // 1000
            if name == "opened_at"
            else float(instrument.lattice.price(int(candle[name])))
            if name in {"open", "high", "low", "close"}
            else int(candle[name])
            for name in CANDLE_COLUMNS
        )
        for candle in from_ticks(ticks, timeframe_s)
    ]
    newest = history.candles(instrument, timeframe_s, None, None, 10_000)
    assert [tuple(row) for row in newest.rows] == expected[-10_000:]
    assert newest.open_candle
    if len(expected) < 10_000:
        assert history.candles(instrument, timeframe_s, 0, None, 10_000).rows == newest.rows


def test_scan_of_quotes_stays_within_instrument_and_time_range() -> None:
    first, second = make_instrument("ES"), make_instrument("NQ")
    ticks = record(make_ticks(first, 50))
    record(make_ticks(second, 50))
    begin, end = int(ticks["at"][10]), int(ticks["at"][20])
    page = history.quotes(first, 0, begin, end, 100)
    assert [row[0] for row in page.rows] == list(range(11, 21))
    assert [row[2] for row in page.rows] == (ticks["ticks"][10:20] * 0.25).tolist()
    assert history.quotes(first, 15, begin, end, 100).rows[0][0] == 16
    assert history.quotes(first, 0, int(ticks["at"][-1]) + 1, None, 100).rows == []
    assert history.quotes(first, 0, None, int(ticks["at"][0]), 100).rows == []


def test_price_floats_print_as_decimals() -> None:
    instrument = make_instrument("EURUSD", "0.00001")
    ticks = record(make_ticks(instrument, 3_000))
    rows = history.quotes(instrument, 0, None, None, 3_000).rows
    assert [row[2] for row in rows] == [
        float(instrument.lattice.price(int(n))) for n in np.asarray(ticks["ticks"])
    ]


def test_instrument_without_quotes_has_no_candles() -> None:
    assert history.candles(make_instrument(), 60, None, None, 10).rows == []


def test_length_of_a_span_is_read_from_its_ends(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    instrument, other = make_instrument(), make_instrument("NQ")
    ticks = record(make_ticks(instrument, 100))
    record(make_ticks(other, 200))
    start, end = (from_microseconds(int(ticks["at"][i])) for i in (10, 40))
    for span, length in (((start, end), 30), ((start, None), 90), ((None, None), 100)):
        with django_assert_num_queries(2) as queries:
            assert Quote.objects.between(instrument, *span).span_length() == length
        assert not [query for query in queries.captured_queries if "COUNT" in query["sql"]]
    assert Quote.objects.between(instrument, end, start).span_length() == 0
