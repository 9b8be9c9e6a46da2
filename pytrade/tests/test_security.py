"""The claims of docs/security.md that no other test covers."""

import gzip
import io
import tracemalloc
from collections.abc import Iterator
from random import Random
from urllib.parse import quote

import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from pytest_django.fixtures import Settings
from rest_framework.authtoken.models import Token

from exchange.accounts.opening import open_account
from instruments.models import Instrument
from pytrade.asgi import application
from quotes.files.tables import TableError, open_table
from quotes.tests.hostile import VALUES
from rig.histories import make_instrument, make_ticks, record

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
RUNS = "/api/v1/indicators/runs/"
VALUES_OF_A_PARAMETER = 6
"""So many of the malicious values each parameter is tried with, with a sample of its own on each
database; all of them in a long run."""


def handshake(origin: str | None) -> bool:
    async def connect() -> bool:
        headers = [(b"origin", origin.encode())] if origin is not None else []
        socket = WebsocketCommunicator(application, "/ws/v1/stream", headers=headers)
        accepted, _ = await socket.connect()
        await socket.disconnect()
        return bool(accepted)

    return async_to_sync(connect)()


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        (None, True),
        ("http://localhost:8000", True),
        ("http://evil.example", False),
        ("http://localhost.evil.example", False),
        ("null", False),
        ("file://", False),
        ("http://", False),
        ("javascript:a()", False),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_websocket_rejects_cross_origin_pages(origin: str | None, accepted: bool) -> None:
    assert handshake(origin) is accepted


def test_session_cookies_are_httponly_and_samesite(client: Client) -> None:
    get_user_model().objects.create_superuser("root", password="of-a-test")
    client.get("/admin/login/")
    client.post("/admin/login/", {"username": "root", "password": "of-a-test"})
    session = client.cookies["sessionid"]
    assert (session["httponly"], session["samesite"]) == (True, "Lax")
    assert client.cookies["csrftoken"]["samesite"] == "Lax"


@pytest.mark.parametrize("path", ["/", "/livez", "/api/v1/instruments/", "/udf/config", "/metrics"])
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "a b", "localhost:x", ""]
)
def test_unknown_host_header_is_rejected(client: Client, path: str, host: str) -> None:
    assert client.get(path, headers={"host": host}).status_code == 400


def test_responses_have_security_headers(client: Client) -> None:
    headers = client.get("/api/v1/instruments/").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_only_the_datafeed_allows_cross_origin_reads(client: Client) -> None:
    headers = {"origin": "http://evil.example"}
    for path in ("/", "/api/v1/instruments/", RUNS, "/api/schema/", "/status/"):
        assert "Access-Control-Allow-Origin" not in client.get(path, headers=headers).headers
    feed = client.get("/udf/config", headers=headers).headers
    assert feed["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in feed


def parameters() -> Iterator[tuple[str, list[str]]]:
    """Yield each path of the schema with the names of its GET parameters."""
    for path, methods in SchemaGenerator().get_schema(public=True)["paths"].items():
        if named := [each["name"] for each in methods.get("get", {}).get("parameters", [])]:
            yield path, named


@pytest.mark.both_databases
@pytest.mark.parametrize(("path", "names"), [*parameters()])
def test_malicious_parameter_values_are_rejected_or_harmless(
    path: str, names: list[str], pytestconfig: pytest.Config
) -> None:
    count = len(VALUES) if pytestconfig.getoption("long") else VALUES_OF_A_PARAMETER
    random = Random(path + connection.vendor)
    record(make_ticks(make_instrument(), 100), regimes=2)
    user = get_user_model().objects.create_user("u")
    open_account(name="of u", balance=0, owner=user)
    headers = {"authorization": f"Token {Token.objects.create(user=user).key}"}
    client = Client(raise_request_exception=False, headers=headers)
    known = {"symbol": "ES", "name": "hurst", "run_id": "x", "order_id": "1", "ticker": "x"}
    known |= {"token": "unknown", "user": "unknown"}
    tried = [(name, value) for name in names for value in random.sample(VALUES, count)]
    for name, value in tried:
        filled = path.format(**known | {name: quote(value, safe="")})
        query = {} if f"{{{name}}}" in path else {name: value}
        answer = client.get(filled, query)
        assert answer.status_code in {200, 301, 400, 404}, (filled, name, value)
        assert b"Traceback" not in answer.getvalue()
    assert Instrument.objects.count() == 1


@pytest.mark.both_databases
@pytest.mark.parametrize("member", ["indicator", "symbol", "start", "end", "step", "parameters"])
def test_malicious_values_in_a_run_request_are_rejected(member: str) -> None:
    record(make_ticks(make_instrument(), 100), regimes=2)
    user = get_user_model().objects.create_user("s", is_staff=True)
    headers = {"authorization": f"Token {Token.objects.create(user=user).key}"}
    client = Client(raise_request_exception=False, headers=headers)
    wish = {"indicator": "hurst", "symbol": "ES", "start": "2026-01-01", "end": "2026-01-02"}
    values: list[object] = [*VALUES, None, [], {}, {"n": "\0"}, {"__class__": 1}, -1, 1e308, True]
    for value in values:
        answer = client.post(RUNS, wish | {member: value}, content_type="application/json")
        assert 400 <= answer.status_code < 500, (value, answer.content)


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_oversized_body_is_rejected_even_from_staff(client: Client, content_type: str) -> None:
    client.force_login(get_user_model().objects.create_user("s", is_staff=True))
    client.raise_request_exception = False
    body = b'{"indicator": "' + b"x" * 3_000_000 + b'"}'
    for path in (RUNS, "/laboratory/runs/"):
        assert 400 <= client.post(path, body, content_type=content_type).status_code < 500


@pytest.mark.parametrize("depth", [100, 100_000])
def test_deeply_nested_body_is_rejected(client: Client, depth: int) -> None:
    client.force_login(get_user_model().objects.create_user("s", is_staff=True))
    client.raise_request_exception = False
    answer = client.post(RUNS, "[" * depth, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "path",
    [
        "/static/../pytrade/settings.py",
        "/static/%2e%2e/pytrade/settings.py",
        "/static/..%2fpytrade/settings.py",
        "/static//etc/passwd",
        "/static/js/../../manage.py",
        "/static/%00",
        "/.env",
        "/.git/config",
        "/db.sqlite3",
    ],
)
def test_static_files_reject_path_traversal(
    client: Client, settings: Settings, path: str, debug: bool
) -> None:
    settings.DEBUG = settings.WHITENOISE_AUTOREFRESH = debug
    answer = client.get(path)
    assert answer.status_code in {400, 404}


def test_script_in_a_name_is_escaped(client: Client) -> None:
    script = "<script>a()</script>"
    Instrument.objects.create(symbol="EVIL", name=script, tick_size="0.25", currency="USD")
    for path in ("/", "/instruments/EVIL/", "/laboratory/", "/laboratory/runs/", "/status/"):
        assert script not in client.get(path).content.decode()
    for path in (f"/instruments/{script}/", f"/instruments/EVIL/?timeframe={script}", f"/{script}"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert script not in answer.content.decode()


def test_request_path_cannot_forge_log_lines(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/nothing%0d%0a2026-01-01 ERROR forged")
    assert caplog.messages
    assert not any("\n" in message or "\r" in message for message in caplog.messages)


@pytest.mark.parametrize("line", [b"\n", b"2024-01-02,1.25\n", b'"', b",\n", b"\xff\n"])
def test_small_gzip_file_cannot_exhaust_memory(line: bytes) -> None:
    packed = gzip.compress(b"time,price\n" + line * (4_000_000 // len(line)))
    assert len(packed) < 100_000
    tracemalloc.start()
    table = open_table(io.BufferedReader(io.BytesIO(packed)), len(packed))
    rows = 0
    try:
        for block in table.blocks():
            rows += len(block.lines)
            if rows > 100_000:
                break
    except TableError:
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000_000
