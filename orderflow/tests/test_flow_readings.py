"""Measures of order flow of recorded markets: the API, scans, runs and pages."""

from datetime import UTC, datetime

import numpy as np
import pytest
from django.utils.html import escape

from exchange.kinds import TRADES
from exchange.models.recorded import BookBlock
from exchange.tests.recordedmarkets import RecordedMarket
from indicators import costs, grids, runs
from indicators.catalogue import CATALOGUE, register
from indicators.models import Reading
from indicators.readers import newest_points, points_between
from indicators.readings import measure, scan_market
from journal.pruning import prune
from market.times import to_microseconds
from orderflow import points
from orderflow.measures.entries import BESTS, ENTRIES
from orderflow.measures.exact import Law, sign_correlation
from orderflow.measures.samples import trades_of
from rig.histories import make_instrument, make_ticks, record

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
API = "/api/v1/indicators/"
SLOTS = 400
NAMES = [indicator.name for indicator in ENTRIES]
EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


@pytest.fixture
def market():
    return RecordedMarket()


@pytest.fixture
def made(market):
    return market.record(SLOTS)


@pytest.fixture
def es(market, made):
    return market.instrument


def n_of(name):
    """Return a window that fits into the recorded history several times."""
    return 150 if CATALOGUE[name].reads == BESTS else 900


def get(client, path, status=200, **query):
    answer = client.get(API + path, query)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_catalogue_lists_the_measures(client):
    listed = {entry["name"]: entry for entry in get(client, "")}
    assert list(listed)[-len(NAMES) :] == NAMES
    assert {listed[name]["reads"] for name in NAMES} == {"trades", "bests"}
    assert [p["name"] for p in listed["vpin"]["parameters"]] == ["n", "buckets"]
    with pytest.raises(ValueError, match="measure 'vpin' is in the catalogue already"):
        register(CATALOGUE["vpin"])


@pytest.mark.parametrize("name", [name for name in NAMES if CATALOGUE[name].reads != BESTS])
def test_estimate_is_that_of_the_newest_trades(client, es, made, name):
    reply = get(client, f"{name}/ES/", n=900)
    stored = newest_points(es, "trades", 100_000).values
    assert np.array_equal(trades_of(stored)[: len(made.trades)], trades_of(made.trades))
    indicator = CATALOGUE[name]
    expected = indicator.measure(trades_of(stored), indicator.read({"n": 900}))
    assert reply["value"] == pytest.approx(expected.value)
    assert reply["interval"] == pytest.approx(expected.interval)
    assert set(reply["truth"]) == {"exact"}


def test_imbalance_is_that_of_the_recorded_book(client, es, made):
    reply = get(client, "order_flow_imbalance/ES/", n=200)
    assert reply["value"] is not None
    assert reply["window_end"] == int(made.quotes["at"][-1]) // 1000
    slots = newest_points(es, BESTS, SLOTS)
    assert slots.last_seq.tolist() == list(range(slots.last_seq[0], SLOTS + 1))
    steps = np.diff(made.quotes["ticks"])[-len(slots) :]
    moved = np.corrcoef(slots.values["change"], steps)[0, 1]
    assert moved > 0.5


def test_a_long_history_of_the_book_is_read_in_parts(es, monkeypatch):
    whole = newest_points(es, BESTS, SLOTS)
    monkeypatch.setattr(points, "SLOTS_AT_ONCE", 70)
    for column, expected in zip(newest_points(es, BESTS, SLOTS), whole, strict=True):
        assert np.array_equal(column, expected)


def test_a_book_behind_its_quotes_is_measured_as_far_as_it_is_recorded(es):
    recorded = newest_points(es, BESTS, SLOTS)
    BookBlock.objects.filter(slot__gt=300).delete()
    behind = newest_points(es, BESTS, 50)
    assert len(behind) == 50
    assert 290 < behind.last_seq[-1] <= 300
    same = np.isin(recorded.last_seq, behind.last_seq)
    assert np.array_equal(recorded.values[same], behind.values)


def test_parts_of_a_history_are_the_points_between(es, made):
    at = made.quotes["at"]
    for reads in ("trades", BESTS):
        everything = newest_points(es, reads, 100_000)
        part = points_between(es, reads, int(at[200]), int(at[300]))
        chosen = (everything.known_at >= at[200]) & (everything.known_at < at[300])
        assert len(part) == chosen.sum() > 0
        for column, whole in zip(part, everything, strict=True):
            assert np.array_equal(column, whole[chosen])


@pytest.mark.parametrize("name", NAMES)
def test_rolling_rows_equal_the_measure_at_each_end(client, es, name):
    indicator, n = CATALOGUE[name], n_of(name)
    table = get(client, f"{name}/ES/rolling/", n=n, step=n // 3)
    assert len(table["rows"]) > 2
    stored = newest_points(es, indicator.reads, 100_000)
    parameters = indicator.read({"n": n})
    for i, (end, value, _) in enumerate(table["rows"][::-1]):
        last = len(stored) - i * (n // 3)
        assert end == stored.known_at[last - 1] // 1000
        expected = indicator.measure(stored.values[:last], parameters).value
        assert value == pytest.approx(expected)
    assert table["rows"][-1][2] == pytest.approx(measure(indicator, es, parameters).truth)


@pytest.mark.parametrize("name", ["adverse_selection", "order_flow_imbalance"])
def test_runs_store_the_readings_of_a_span(es, name, monkeypatch):
    monkeypatch.setattr(costs, "CHUNK_WINDOWS", 2)
    indicator, n = CATALOGUE[name], n_of(name)
    parameters = indicator.read({"n": n})
    run = runs.plan_run(
        indicator=name,
        instrument=es,
        start=EVER[0],
        end=EVER[1],
        parameters=parameters,
        step=n // 5,
    )
    assert run.chunk_count > 1
    for index in range(run.chunk_count):
        runs.compute_chunk(run.pk, index)
    run.refresh_from_db()
    stored = newest_points(es, indicator.reads, 100_000)
    on_grid = grids.positions(stored, indicator.reads) % (n // 5) == 0
    ends = [i for i in np.flatnonzero(on_grid).tolist() if i >= n - 1]
    assert run.state == "done"
    assert run.readings == len(ends) > 4
    readings = Reading.objects.order_by("window_end")
    for end, reading in zip(ends, readings, strict=True):
        assert to_microseconds(reading.window_end) == stored.known_at[end]
        assert reading.value == indicator.measure(stored.values[: end + 1], parameters).value
        assert reading.truth is not None


def test_exact_value_is_the_mean_over_the_slots_of_the_window(client, es, market, made):
    slots = newest_points(es, "trades", 900).first_seq
    lengths = np.diff(np.append(made.regimes["first_seq"], SLOTS + 1))
    phi = np.repeat(made.regimes["phi"], lengths)
    lengths = np.diff(np.append(made.flow["first_slot"], SLOTS + 1))
    kappa = np.repeat(made.flow["kappa"], lengths)
    chosen = np.minimum(np.arange(slots[0], slots[-1] + 1), SLOTS) - 1
    assert len(set(kappa[chosen])) > 1
    reply = get(client, "adverse_selection/ES/", n=900)
    assert reply["truth"]["exact"] == pytest.approx(kappa[chosen].mean(), abs=0.002)
    flow = market.market.options.parameters
    laws = [Law(phi=phi[i], kappa=kappa[i], flow=flow) for i in chosen]
    expected = np.mean([sign_correlation(law) for law in laws])
    reply = get(client, "sign_persistence/ES/", n=900)
    assert reply["truth"]["exact"] == pytest.approx(expected, abs=0.002)
    assert get(client, "vpin/ES/", n=900)["truth"] == {"exact": None}


@pytest.mark.parametrize("name", NAMES)
def test_instruments_without_a_book_have_no_value(client, name):
    record(make_ticks(make_instrument("NQ"), 100))
    reply = get(client, f"{name}/NQ/")
    assert (reply["value"], reply["window_end"], reply["truth"]) == (None, None, {"exact": None})
    assert "too few" in reply["reason"]
    assert get(client, f"{name}/NQ/rolling/")["rows"] == []


def test_windows_begin_where_trades_are_kept(client, es, made):
    kept = int(made.trades["seq"][1_000])
    prune(TRADES, es.pk, kept)
    table = get(client, "cumulative_delta/ES/rolling/", n=500, step=1)
    newest = newest_points(es, "trades", 100_000)
    assert int(newest.values["seq"][0]) == kept + 1
    assert len(table["rows"]) == len(newest) - 499


def test_scan_stores_readings_with_exact_values(client, es):
    published = []
    assert scan_market([es], published.extend) == len(CATALOGUE) == Reading.objects.count()
    topics = {item["topic"] for item in published}
    assert {f"indicators.{name}.ES" for name in NAMES} <= topics
    reading = Reading.objects.get(indicator="effective_half_spread")
    assert reading.low < reading.value < reading.high
    assert 0.8 < reading.truth < 1


def test_laboratory_shows_them_beside_their_exact_values(client, es):
    scan_market([es], lambda published: None)
    page = client.get("/laboratory/").content.decode()
    assert 'id="order-flow"' in page
    for name in NAMES:
        assert escape(CATALOGUE[name].title) in page
