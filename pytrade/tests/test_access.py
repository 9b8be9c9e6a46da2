"""Read and write access over HTTP and WebSocket, and rate limits."""

import io
import re
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework.authtoken.models import Token

from pytrade import throttling
from pytrade.asgi import application
from rig.histories import make_instrument, make_ticks, record

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
RUNS = "/api/v1/indicators/runs/"
PROGRAM_READS = [
    "/api/v1/instruments/",
    "/api/v1/instruments/ES/quotes/",
    "/api/v1/indicators/",
    "/api/v1/nothing/",
    "/api/v1/stream/?topics=quotes.ES",
    RUNS,
    "/api/schema/",
    "/udf/config",
    "/metrics",
]
PAGES = ["/", "/instruments/ES/", "/laboratory/", "/laboratory/runs/", "/status/", "/api/docs/"]


@pytest.fixture
def closed(settings: Settings) -> None:
    settings.READS_PUBLIC = False


def token_client(*, is_active: bool = True) -> Client:
    user = get_user_model().objects.create_user("u", is_active=is_active)
    return Client(headers={"authorization": f"Token {Token.objects.create(user=user).key}"})


@pytest.mark.parametrize("path", PROGRAM_READS)
def test_api_reads_need_a_token_when_reads_are_not_public(
    client: Client, closed: None, path: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Token"
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", PAGES)
def test_pages_redirect_to_login_when_reads_are_not_public(
    client: Client, closed: None, path: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path}")


def test_health_checks_are_always_public(client: Client, closed: None) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert client.get("/admin/login/").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/instruments/", "/udf/config", "/status/", RUNS])
def test_session_and_token_allow_reads(client: Client, closed: None, path: str) -> None:
    by_token = token_client()
    assert by_token.get(path).status_code == 200
    client.force_login(get_user_model().objects.get())
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "header", ["Token nonsense", "Token", "Token a b", "Token \xff", "Basic x"]
)
def test_invalid_token_is_rejected(closed: None, header: str) -> None:
    client = Client(headers={"authorization": header})
    assert client.get("/api/v1/instruments/").status_code == 401


def test_token_of_inactive_user_is_rejected(closed: None) -> None:
    client = token_client(is_active=False)
    assert client.get("/api/v1/instruments/").status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", [RUNS, f"{RUNS}00000000-0000-0000-0000-000000000000/"])
def test_writes_require_staff(client: Client, settings: Settings, method: str, path: str) -> None:
    settings.LOCAL_WRITES = False
    assert getattr(client, method)(path).status_code == 401
    assert getattr(token_client(), method)(path).status_code == 403


@pytest.mark.parametrize(
    ("is_open", "sent", "status"),
    [
        (True, {}, 400),  # access granted; rejected for its empty body
        (True, {"REMOTE_ADDR": "::1"}, 400),
        (True, {"REMOTE_ADDR": "10.0.0.9"}, 401),
        (True, {"REMOTE_ADDR": ""}, 401),
        (True, {"headers": {"Origin": "http://testserver"}}, 401),
        (True, {"headers": {"Sec-Fetch-Site": "cross-site"}}, 401),
        (True, {"headers": {"X-Forwarded-For": "10.0.0.9"}}, 401),
        (True, {"headers": {"X-Forwarded-For": "127.0.0.1"}}, 401),
        (False, {}, 401),
    ],
)
def test_anonymous_writes_are_limited_to_localhost(
    client: Client, settings: Settings, is_open: bool, sent: dict[str, Any], status: int
) -> None:
    settings.LOCAL_WRITES = is_open
    assert client.post(RUNS, **sent).status_code == status
    client.force_login(get_user_model().objects.create_user("u"))
    assert client.post(RUNS, **sent).status_code == 403


def test_session_writes_require_a_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(get_user_model().objects.create_user("s", is_staff=True))
    for path in (RUNS, "/laboratory/runs/", "/admin/logout/"):
        assert client.post(path, {}).status_code == 403
    client.get("/laboratory/runs/")
    headers = {"X-CSRFToken": client.cookies["csrftoken"].value}
    assert client.post(RUNS, {}, headers=headers).status_code == 400


def handshake(*headers: tuple[bytes, bytes]) -> bool:
    async def connect() -> bool:
        socket = WebsocketCommunicator(application, "/ws/v1/stream", headers=[*headers])
        accepted, _ = await socket.connect()
        await socket.disconnect()
        return bool(accepted)

    return async_to_sync(connect)()


@pytest.mark.django_db(transaction=True)
def test_stream_requires_authentication_when_reads_are_not_public(
    client: Client, closed: None
) -> None:
    key = token_client().defaults["HTTP_AUTHORIZATION"].encode()
    client.force_login(get_user_model().objects.get())
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    assert not handshake()
    assert not handshake((b"authorization", b"Token nonsense"))
    assert not handshake((b"cookie", b"sessionid=nonsense"))
    assert handshake((b"authorization", key))
    assert handshake((b"cookie", cookie))


@pytest.mark.django_db(transaction=True)
def test_anonymous_reads_work_when_reads_are_public(client: Client) -> None:
    assert handshake()
    record(make_ticks(make_instrument(), 3))
    assert client.get("/api/v1/instruments/ES/quotes/").status_code == 200


@pytest.fixture
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Freeze the clock of the rate limiter within one window."""
    monkeypatch.setattr(throttling, "time", SimpleNamespace(time=lambda: 1_000_000.0))
    cache.clear()


def test_rate_limit_ignores_forwarded_for_without_a_proxy(
    client: Client, settings: Settings, standing_clock: None
) -> None:
    settings.API_RATE = "2/minute"
    answers = [
        client.get("/api/v1/instruments/", headers={"X-Forwarded-For": f"10.0.0.{n}"})
        for n in range(3)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1]["Retry-After"] == "20"
    elsewhere = client.get("/api/v1/instruments/", REMOTE_ADDR="10.0.0.9")
    assert elsewhere.status_code == 200


@pytest.mark.parametrize("path", ["/status/", "/laboratory/", "/laboratory/runs/", "/nothing/"])
def test_pages_count_towards_the_rate_limit_of_the_api(
    client: Client, settings: Settings, standing_clock: None, path: str
) -> None:
    settings.API_RATE = "2/minute"
    assert client.get("/api/v1/instruments/").status_code == 200
    assert client.get(path).status_code in {200, 404}
    refused = client.get(path)
    assert (refused.status_code, refused["Retry-After"]) == (429, "20")
    assert "Try again in 20 seconds" in refused.content.decode()
    assert client.get("/api/v1/instruments/").status_code == 429
    assert {client.get(path).status_code for path in ("/livez", "/readyz", "/health")} == {200}


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/nothing/", "/api/v1/stream/?topics=x"])
def test_rate_limited_api_clients_get_a_problem(
    client: Client, settings: Settings, standing_clock: None, path: str
) -> None:
    settings.API_RATE = "1/minute"
    client.get(path)
    refused = client.get(path)
    assert (refused.status_code, refused["Retry-After"]) == (429, "20")
    assert refused["Content-Type"] == "application/problem+json"


def test_rate_limit_of_users_is_separate_from_their_address(
    client: Client, settings: Settings, standing_clock: None
) -> None:
    settings.API_RATE, settings.API_USER_RATE = "1/minute", "2/minute"
    by_token = token_client()
    assert [client.get(RUNS).status_code for _ in range(2)] == [200, 429]
    assert [by_token.get(RUNS).status_code for _ in range(3)] == [200, 200, 429]
    settings.READS_PUBLIC = False
    assert by_token.get("/api/v1/instruments/").status_code == 429


def test_documented_commands_create_a_working_token() -> None:
    text = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    commands = re.findall(r"^\.venv/bin/python manage\.py (.*)$", text, re.MULTILINE)
    assert len(commands) == 2
    out = io.StringIO()
    for command in commands:
        name, *arguments = shlex.split(command)
        quiet = ["--noinput"] if name == "createsuperuser" else []
        call_command(name, *arguments, *quiet, stdout=out)
    key = Token.objects.get().key
    assert key in out.getvalue()
    answer = Client(headers={"authorization": f"Token {key}"}).post(RUNS, {})
    assert answer.status_code == 400  # access granted; rejected for missing fields
