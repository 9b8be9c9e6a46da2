"""Readings of stored prices: the API, scans and runs."""

import re
import threading
from datetime import UTC, datetime

import numpy as np
import orjson
import pytest
from django.contrib.auth import get_user_model
from django.db.models import Avg
from django.test import Client
from rest_framework.authtoken.models import Token

from indicators import costs, embedded, grids, laboratory, runs
from indicators.catalogue import CATALOGUE, of_prices, parameters_key
from indicators.hurst import hurst_exponent
from indicators.models import ComputationRun, Reading
from indicators.persistence import persistence
from indicators.readers import newest_points
from indicators.readings import measure, scan_market
from indicators.windows import Truth
from quotes.models import Candle, Quote, Regime
from rig.histories import make_instrument, make_ticks, record

pytestmark = pytest.mark.django_db
API = "/api/v1/indicators/"
PRICED = [indicator.name for indicator in of_prices()]


@pytest.fixture
def market():
    """8,000 ticks, 30 seconds apart: 4,000 minutes."""
    instrument = make_instrument()
    record(make_ticks(instrument, 8_000, interval_s=30), regimes=9)
    return instrument


@pytest.fixture
def staff(client):
    user = get_user_model().objects.create_user("s", is_staff=True)
    client.force_login(user)
    return client


def get(client, path, status=200, **query):
    answer = client.get(API + path, query)
    assert answer.status_code == status, answer.content
    return answer.json()


def closes_of(instrument, n):
    rows = Candle.objects.of(instrument, 60).values_list("close", flat=True)
    return np.array(rows)[-n:]


@pytest.mark.any_database
def test_catalogue_lists_every_parameter_and_its_default(client):
    listed = {entry["name"]: entry for entry in get(client, "")}
    assert list(listed)[:4] == PRICED == ["persistence", "hurst", "entropy", "variance_ratio"]
    assert {p["name"]: p["default"] for p in listed["entropy"]["parameters"]} == {
        "n": 2000,
        "m": 3,
        "tau": 1,
    }


@pytest.mark.any_database
def test_current_estimate_measures_the_newest_closed_minutes(client, market):
    reply = get(client, "hurst/ES/", n=1_500)
    expected = hurst_exponent(closes_of(market, 1_500))
    assert reply["value"] == pytest.approx(expected.value)
    assert reply["interval"] == pytest.approx(expected.interval)
    assert reply["details"]["windows"] == expected.windows.tolist()
    assert reply["parameters"]["n"] == 1_500
    newest = Candle.objects.of(market, 60).last()
    assert reply["window_end"] == int(newest.opened_at.timestamp() * 1000) + 60_000


def test_persistence_reads_ticks_and_is_served_with_the_true_phi(client, market):
    reply = get(client, "persistence/ES/")
    ticks = np.array(Quote.objects.of(market).values_list("ticks", flat=True))[-500:]
    assert reply["value"] == pytest.approx(persistence(ticks).value)
    assert reply["truth"]["mean_phi"] == pytest.approx(0.8)  # the last of nine regimes


def test_mean_phi_of_a_window_is_weighted_by_ticks(market):
    phi = np.empty(8_001)
    for regime in Regime.objects.filter(instrument=market).order_by("seq"):
        phi[regime.first_seq :] = regime.phi
    truth = Truth(market, 1, 8_000)
    first, last = np.array([1, 800, 3_777, 7_999]), np.array([8_000, 1_800, 3_777, 8_000])
    expected = [phi[a : b + 1].mean() for a, b in zip(first, last, strict=True)]
    assert truth.mean_phi(first, last) == pytest.approx(expected)


def test_real_data_has_no_truth(client):
    instrument = make_instrument("GOOG", "0.01")
    record(make_ticks(instrument, 1_000))
    assert get(client, "persistence/GOOG/")["truth"] == {"mean_phi": None}


@pytest.mark.any_database
def test_too_few_points_give_the_reason_and_no_value(client):
    make_instrument()
    reply = get(client, "hurst/ES/")
    assert (reply["value"], reply["window_end"]) == (None, None)
    assert reply["reason"] == "the series is empty"


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("path", "query", "status", "complaint"),
    [
        ("hurst/XX/", {}, 404, "there is no instrument 'XX'"),
        ("fractal/ES/", {}, 404, "there is no indicator 'fractal'; there are persistence, hurst"),
        ("entropy/ES/", {"m": "8"}, 400, "m: '8' is not a whole number from 2 to 7"),
        ("entropy/ES/", {"q": "2"}, 400, "q: is no parameter of entropy; there are: n, m, tau"),
        ("hurst/ES/", {"max_window": "5"}, 400, "max_window 5: use at least min_window, 10"),
        ("hurst/ES/", {"corrected": "maybe"}, 400, "corrected: 'maybe' is neither true nor false"),
        ("hurst/ES/", {"n": "1e9"}, 400, "n: '1e9' is not a whole number from 3 to 100000"),
        ("hurst/ES/series/", {"start": "x"}, 400, "start: 'x' is not a time"),
        ("hurst/ES/rolling/", {"step": "0"}, 400, "step: '0' is not a whole number"),
        ("hurst/ES/rolling/", {"max_window": "5"}, 400, "max_window 5: use at least min_window"),
        ("runs/x/", {}, 404, "there is no computation 'x'"),
    ],
)
def test_invalid_requests_get_400_with_the_reason(client, market, path, query, status, complaint):
    answer = client.get(API + path, query)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert complaint in answer.json()["detail"]


def test_scan_stores_one_reading_per_window_and_publishes_it(client, market):
    make_instrument("NQ")
    reply = []
    assert scan_market([market], reply.extend) == 4
    assert scan_market([market], reply.extend) == 4
    assert Reading.objects.count() == 4
    assert [item["topic"] for item in reply[:4]] == [
        "indicators.hurst.ES",
        "indicators.entropy.ES",
        "indicators.variance_ratio.ES",
        "indicators.persistence.ES",
    ]
    table = get(client, "hurst/ES/series/")
    assert table["columns"][0] == "window_end"
    (row,) = table["rows"]
    assert row[1] == pytest.approx(hurst_exponent(closes_of(market, 2_000)).value)


@pytest.mark.any_database
@pytest.mark.parametrize("name", PRICED)
def test_rolling_rows_equal_the_measure_at_each_end(client, market, name):
    indicator = CATALOGUE[name]
    parameters = indicator.read({"n": 700})
    table = get(client, f"{name}/ES/rolling/", n=700, step=401)
    assert len(table["rows"]) > 3
    for end, value, phi in table["rows"]:
        found = measure(indicator, market, parameters, end * 1000)
        assert found.window_end == end * 1000
        assert value == pytest.approx(found.estimate.value)
        assert phi == pytest.approx(found.truth)
    newest = newest_points(market, indicator.reads, 1)
    assert table["rows"][-1][0] == int(newest.known_at[-1]) // 1000
    start = table["rows"][1][0]
    assert (
        get(client, f"{name}/ES/rolling/", n=700, step=401, start=start)["rows"]
        == (table["rows"][1:])
    )


@pytest.mark.any_database
def test_rolling_without_a_whole_window_gives_the_reason(client, market):
    reply = get(client, "variance_ratio/ES/rolling/", n=10)
    assert reply["rows"] == []
    assert reply["reason"] == "9 increments are too few: q = 5 needs 20"
    assert (
        "points are fewer than one window"
        in (get(client, "entropy/ES/rolling/", n=99_999)["reason"])
    )


def test_series_are_paged_and_available_as_csv(client, market):
    run = planned(market, step=100)
    compute(run)
    query = {"n": 600, "step": 100}
    everything = get(client, "entropy/ES/series/", start=0, limit=1_000, **query)["rows"]
    assert len(everything) == Reading.objects.count() > 30
    first = get(client, "entropy/ES/series/", start=0, limit=20, **query)
    rest = {"start": 0, "limit": 20, "cursor": first["next_cursor"]}
    second = get(client, "entropy/ES/series/", **rest, **query)
    assert first["rows"] + second["rows"] == everything[:40]
    assert get(client, "entropy/ES/series/", limit=7, **query)["rows"] == everything[-7:]
    text = client.get(API + "entropy/ES/series/?n=600&step=100&format=csv").content.decode()
    assert text.splitlines()[0] == "window_end,value,low,high,null_low,null_high,truth,reason"


def test_series_has_the_same_numbers_as_csv(client, market):
    scan_market([market], list)
    row = get(client, "persistence/ES/series/")["rows"][0]
    text = client.get(API + "persistence/ES/series/?format=csv").content.decode()
    cells = text.splitlines()[1].split(",")
    assert [float(cell) for cell in cells if cell] == [cell for cell in row if cell is not None]


def planned(market, name="entropy", step=1, start=datetime(2026, 1, 1, tzinfo=UTC)):
    indicator = CATALOGUE[name]
    return runs.plan_run(
        indicator=name,
        instrument=market,
        start=start,
        end=datetime(2026, 2, 1, tzinfo=UTC),
        parameters=indicator.read({"n": 600}),
        step=step,
    )


def compute(run):
    """Compute all chunks, each of them twice."""
    for index in range(run.chunk_count):
        runs.compute_chunk(run.pk, index)
        runs.compute_chunk(run.pk, index)
    run.refresh_from_db()


@pytest.mark.parametrize("name", PRICED)
def test_chunks_cover_the_windows_of_a_run_and_are_done_once(market, name, monkeypatch):
    monkeypatch.setattr(costs, "CHUNK_WINDOWS", 20)
    run = planned(market, name, step=97)
    assert run.chunk_count > 1
    compute(run)
    assert run.state == ComputationRun.State.DONE
    assert run.chunks_done == run.chunk_count
    indicator = CATALOGUE[name]
    points = newest_points(market, indicator.reads, 100_000)
    ends = [at for at in grids.positions(points, indicator.reads)[599:].tolist() if at % 97 == 0]
    assert run.readings == Reading.objects.count() == len(ends)
    assert runs.progress(run) == {
        "progress": 1.0,
        "result": {
            "readings": len(ends),
            "mean": pytest.approx(Reading.objects.aggregate(mean=Avg("value"))["mean"]),
        },
    }
    for reading in Reading.objects.order_by("?")[:5]:
        end = int(reading.window_end.timestamp() * 1_000_000)
        found = measure(indicator, market, indicator.read({"n": 600}), end)
        assert reading.value == pytest.approx(found.estimate.value)
        assert reading.truth == pytest.approx(found.truth)


@pytest.mark.any_database
@pytest.mark.parametrize("name", ["entropy", "persistence"])
def test_planning_a_run_reads_no_prices(market, name, django_assert_max_num_queries):
    with django_assert_max_num_queries(4) as queries:
        planned(market, name)
    for query in queries.captured_queries:
        assert not re.search(r'"(close|ticks)"', query["sql"])
        assert query["sql"].startswith("INSERT") or "LIMIT 1" in query["sql"]


@pytest.mark.any_database
@pytest.mark.parametrize("step", [1, 100, 10_000])
@pytest.mark.parametrize("n", [3, 100_000])
@pytest.mark.parametrize("name", CATALOGUE)
def test_chunk_is_bounded_in_points_and_work(name, n, step):
    parameters = CATALOGUE[name].read({"n": n})
    windows = costs.chunk_windows(name, parameters, step)
    assert 1 <= windows <= costs.CHUNK_WINDOWS
    assert n + windows * step <= costs.CHUNK_POINTS
    assert windows * costs.window_work(name, parameters) <= costs.CHUNK_WORK


def test_runs_of_different_steps_do_not_mix_their_readings(client, market):
    for step in (7, 5):
        compute(planned(market, step=step))
    sevens, fives = (
        [
            row[0]
            for row in get(client, "entropy/ES/series/", n=600, start=0, step=s, limit=9999)["rows"]
        ]
        for s in (7, 5)
    )
    assert {at // 60_000 % 7 for at in sevens} == {at // 60_000 % 5 for at in fives} == {0}
    assert len(sevens) == 3_400 // 7 == pytest.approx(len(fives) * 5 / 7, abs=1)
    assert get(client, "entropy/ES/series/", n=600, start=0)["rows"] == []
    for run in ComputationRun.objects.all():
        assert run.readings == len(sevens if run.step == 7 else fives)


def test_runs_with_equal_step_agree_for_any_start(market):
    compute(planned(market, step=7))
    count = Reading.objects.count()
    compute(planned(market, step=7, start=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))
    assert Reading.objects.count() == count


def test_minutes_without_a_close_leave_no_window_on_the_grid(market):
    Candle.objects.filter(
        pk__in=list(Candle.objects.values_list("pk", flat=True)[700:3_000:3])
    ).delete()
    run = planned(market, step=4)
    compute(run)
    minutes = [
        int(at.timestamp()) // 60 + 1
        for at in Candle.objects.of(market, 60).values_list("opened_at", flat=True)
    ][599:]
    ends = [int(r.window_end.timestamp()) // 60 for r in Reading.objects.order_by("window_end")]
    assert ends == [minute for minute in minutes if minute % 4 == 0]
    for reading in Reading.objects.order_by("?")[:5]:
        end = int(reading.window_end.timestamp() * 1_000_000)
        found = measure(CATALOGUE["entropy"], market, {"n": 600, "m": 3, "tau": 1}, end)
        assert reading.value == pytest.approx(found.estimate.value)


def test_published_reading_is_the_stored_one(client, market):
    scan_market([market], list)
    Reading.objects.update(value=0.125)  # as another process measured it
    reply = []
    scan_market([market], reply.extend)
    assert [orjson.loads(frame["text"])["data"]["value"] for frame in reply] == [0.125] * 4


def test_cancelled_run_computes_nothing_more(market):
    run = planned(market)
    runs.cancel(run)
    assert not runs.compute_chunk(run.pk, 0)
    assert Reading.objects.count() == 0


def test_redelivered_chunk_closes_the_run_of_a_dead_worker(market):
    run = planned(market, step=97)
    runs.compute_chunk(run.pk, 0)
    ComputationRun.objects.update(state=ComputationRun.State.RUNNING, finished_at=None)
    runs.compute_chunk(run.pk, 0)
    assert runs.open_runs() == []


@pytest.fixture
def embedded_market(transactional_db, settings):
    settings.CELERY_TASK_ALWAYS_EAGER = True
    instrument = make_instrument()
    record(make_ticks(instrument, 4_000, interval_s=30), regimes=3)
    return instrument


def test_next_process_resumes_an_open_run_without_a_broker(embedded_market):
    run = planned(embedded_market, step=97)
    scanned = threading.Event()
    thread = embedded.ScanThread(lambda publications: scanned.set())
    thread.start()
    assert scanned.wait(60)
    assert embedded.computations.join(60)
    thread.stop()
    run.refresh_from_db()
    assert run.state == ComputationRun.State.DONE


def test_ending_process_leaves_its_runs_to_the_next(embedded_market, monkeypatch):
    monkeypatch.setattr(costs, "CHUNK_WINDOWS", 3)
    run = planned(embedded_market)
    others = [planned(embedded_market) for _ in range(2)]
    for each in (run, *others):
        embedded.start_run(each)
    while not (done := run.chunks.count()):
        pass
    embedded.computations.leave()
    assert embedded.computations.join(60)
    assert set(runs.open_runs()) == {run.pk, *(other.pk for other in others)}
    assert done < run.chunk_count


ORDER = {
    "indicator": "entropy",
    "symbol": "ES",
    "start": 0,
    "end": 2_000_000_000_000,
    "step": 50,
    "parameters": {"n": 600},
}


@pytest.mark.django_db(transaction=True)
def test_run_without_a_broker_is_computed_in_this_process(staff, settings):
    settings.CELERY_TASK_ALWAYS_EAGER = True
    record(make_ticks(make_instrument(), 4_000, interval_s=30), regimes=3)
    answer = staff.post(API + "runs/", ORDER, content_type="application/json")
    assert answer.status_code == 202
    assert embedded.computations.join(60)
    reply = staff.get(answer["Location"]).json()
    assert (reply["state"], reply["progress"]) == ("done", 1.0)
    assert reply["result"]["readings"] == Reading.objects.count() == 2_000 // 50 - 600 // 50
    assert [entry["id"] for entry in staff.get(API + "runs/").json()] == [reply["id"]]
    assert staff.delete(answer["Location"]).json()["state"] == "done"


def test_starting_a_run_requires_staff(client, market, settings):
    settings.LOCAL_WRITES = False
    refused = client.post(API + "runs/", ORDER, content_type="application/json")
    assert refused.status_code in {401, 403}
    user = get_user_model().objects.create_user("u")
    client.force_login(user)
    assert client.post(API + "runs/", ORDER, content_type="application/json").status_code == 403
    token = Token.objects.create(user=get_user_model().objects.create_user("t", is_staff=True))
    by_token = Client(headers={"authorization": f"Token {token.key}"})
    assert by_token.post(API + "runs/", ORDER, content_type="application/json").status_code == 202


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"symbol": "XX"}, "there is no instrument 'XX'"),
        ({"indicator": "x"}, "there is no indicator 'x'"),
        ({"start": "yesterday"}, "'yesterday' is not a time"),
        ({"step": 0}, "step: Ensure this value is greater than or equal to 1"),
        ({"parameters": {"m": 9}}, "'9' is not a whole number from 2 to 7"),
        ({"parameters": 3}, "parameters"),
        ({"end": 1_000}, "no window of 600 closes of ES ends"),
    ],
)
def test_invalid_run_is_rejected_and_not_stored(staff, market, change, complaint):
    answer = staff.post(API + "runs/", ORDER | change, content_type="application/json")
    assert answer.status_code in {400, 404}
    assert complaint in answer.json()["detail"].replace("9 is", "'9' is")
    assert ComputationRun.objects.count() == 0


def test_admin_action_computes_now(staff, market):
    get_user_model().objects.update(is_superuser=True)
    answer = staff.post(
        "/admin/instruments/instrument/",
        {"action": "compute_now", "_selected_action": [market.pk]},
        follow=True,
    )
    assert "4 readings computed" in answer.content.decode()
    assert Reading.objects.count() == 4
    assert staff.get("/admin/indicators/reading/").status_code == 200


@pytest.mark.any_database
def test_laboratory_shows_estimates_beside_the_truth(client, market):
    scan_market([market], list)
    page = client.get("/laboratory/").content.decode()
    assert "0.800" in page
    estimate = Reading.objects.get(indicator="persistence").value
    assert f"{estimate:.3f}".replace("-", "\N{MINUS SIGN}") in page


def test_coverage_uses_the_newest_readings_of_every_instrument(market, monkeypatch):
    other = make_instrument("NQ")
    key = parameters_key(CATALOGUE["persistence"].read({}))
    for instrument, held in ((market, True), (other, False)):
        for minute in range(10):
            Reading.objects.create(
                indicator="persistence",
                instrument=instrument,
                parameters=key,
                window_end=datetime(2026, 1, 1, 0, minute, tzinfo=UTC),
                value=0.5,
                low=0.4,
                high=0.6,
                truth=0.5 if held or minute < 6 else 0.9,
                null_low=-0.1,
                null_high=0.1 if minute < 6 else 0.5,
            )
    monkeypatch.setattr(laboratory, "READINGS", 8)
    interval, band = laboratory.coverage(CATALOGUE["persistence"])
    assert (interval.readings, interval.held) == (8, 4)
    assert (band.readings, band.held) == (8, 8)
    monkeypatch.setattr(laboratory, "READINGS", 1_000)
    interval, band = laboratory.coverage(CATALOGUE["persistence"])
    assert (interval.readings, interval.held, band.held) == (20, 16, 8)
