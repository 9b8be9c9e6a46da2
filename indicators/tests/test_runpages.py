import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from indicators import runpages
from indicators.models import ComputationRun
from rig.histories import START, make_instrument, make_ticks, record

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
PATH = "/laboratory/runs/"
SPAN = {"start": "2026-01-01T00:00", "end": "2026-01-03T00:00"}
WISH = {"indicator": "variance_ratio", "symbol": "ES", "n": "50", **SPAN}


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create(username="u", is_staff=True))
    return client


@pytest.fixture
def market():
    market = make_instrument("ES")
    record(make_ticks(market, 400, interval_s=30))
    return market


def open_run(market) -> ComputationRun:
    return ComputationRun.objects.create(
        indicator="hurst", instrument=market, start=START, end=START, parameters="{}"
    )


def test_everyone_sees_runs_but_only_staff_can_change_them(client: Client, market) -> None:
    run = open_run(market)
    page = client.get(PATH).content.decode()
    assert f'data-run="{run.pk}"' in page
    assert "<form" not in page
    assert client.post(PATH, WISH).status_code == 403
    assert client.post(f"{PATH}{run.pk}/cancel/").status_code == 403
    run.refresh_from_db()
    assert run.is_open


def test_page_without_runs_explains_how_to_start_one(client: Client) -> None:
    assert "No runs yet" in client.get(PATH).content.decode()


def test_staff_starts_a_run(staff: Client, market) -> None:
    response = staff.post(PATH, WISH)
    assert response.status_code == 302
    run = ComputationRun.objects.get()
    assert (run.indicator, run.instrument) == ("variance_ratio", market)
    assert '"n":50' in run.parameters.replace(" ", "")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"symbol": "XX"}, "there is no instrument"),
        ({"start": "yesterday"}, "start: "),
        ({"n": "minus one"}, "n: "),
        ({"end": ""}, "end: "),
        ({"start": "2030-01-01T00:00", "end": "2030-01-02T00:00"}, "start: no window of 50"),
    ],
)
def test_errors_are_shown_beside_the_form(
    staff: Client, market, change: dict[str, str], expected: str
) -> None:
    response = staff.post(PATH, WISH | change)
    assert response.status_code == 400
    page = response.content.decode()
    assert expected in page
    assert 'role="alert"' in page
    assert not ComputationRun.objects.exists()


def test_staff_cancels_an_open_run(staff: Client, market) -> None:
    run = open_run(market)
    assert "Cancel" in staff.get(PATH).content.decode()
    assert staff.post(f"{PATH}{run.pk}/cancel/").status_code == 302
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert 'class="cancel"' not in staff.get(PATH).content.decode()


@pytest.mark.parametrize("unknown", ["x", "6f1c0d3e-0000-4000-8000-000000000000"])
def test_cancelling_an_unknown_run_is_404(staff: Client, unknown: str) -> None:
    response = staff.post(f"{PATH}{unknown}/cancel/")
    assert response.status_code == 404
    assert staff.delete(f"/api/v1/indicators/runs/{unknown}/").status_code == 404


def test_reason_without_a_field_is_listed() -> None:
    assert runpages.error_lines("the broker is unavailable") == ["the broker is unavailable"]
