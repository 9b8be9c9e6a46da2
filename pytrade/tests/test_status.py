from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from journal.leases import acquire, new_holder
from pytrade.csp import is_plain
from rig.histories import make_instrument, make_ticks, record

pytestmark = pytest.mark.django_db
TTL = timedelta(seconds=settings.LEASE_TTL_S)


def body(client: Client) -> str:
    response = client.get("/status/")
    assert response.status_code == 200
    return response.content.decode()


def state_of(page: str, part: str) -> str:
    return page.partition(f'data-part="{part}" data-state="')[2].partition('"')[0]


def test_every_component_is_listed_with_its_state(client: Client) -> None:
    page = body(client)
    for part in ("Web process", "Database", "Channel layer", "Computations"):
        assert state_of(page, part) == "ok"
    assert state_of(page, "Market") == "off"
    assert "start manage.py runsim" in page


def test_driven_instrument_has_fresh_ticks(client: Client) -> None:
    market = make_instrument("ES")
    record(make_ticks(market, 3, start=timezone.now() - timedelta(seconds=3)))
    acquire([market], new_holder(), TTL)
    page = body(client)
    assert state_of(page, "Market") == "ok"
    assert "1 of 1 instruments are driven" in page


def test_driven_instrument_without_new_ticks_is_named(client: Client) -> None:
    market = make_instrument("ES")
    record(make_ticks(market, 3, start=timezone.now() - timedelta(minutes=3)))
    acquire([market], new_holder(), TTL)
    page = body(client)
    assert state_of(page, "Market") == "warning"
    assert "no tick for 10 s: ES" in page
    assert "Working, with warnings: Market" in page


def test_dead_holder_of_a_lease_drives_nothing(client: Client) -> None:
    market = make_instrument("ES")
    acquire([market], "another-host:1:00000000", TTL)
    market.lease.renewed_at = timezone.now() - 2 * TTL
    market.lease.save()
    assert state_of(body(client), "Market") == "off"


@pytest.mark.parametrize(
    "path", ["/", "/status/", "/laboratory/", "/api/v1/instruments/", "/nothing/", "/livez"]
)
def test_every_response_has_a_policy_without_inline_scripts_and_styles(
    client: Client, path: str
) -> None:
    policy = client.get(path).headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy


def test_policy_allows_the_stream_of_this_host(client: Client) -> None:
    policy = client.get("/livez", headers={"host": "localhost:8000"}).headers[
        "Content-Security-Policy"
    ]
    assert "connect-src 'self' ws://localhost:8000" in policy


@pytest.mark.parametrize(
    ("host", "plain"),
    [("example.org:8000", True), ("[::1]:80", True), ("a;script-src *", False), ("", False)],
)
def test_policy_ignores_invalid_hosts(host: str, plain: bool) -> None:
    assert is_plain(host) is plain
