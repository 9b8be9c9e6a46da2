"""Tokens in query strings appear in no log: ours, daphne's, uvicorn's or nginx's."""

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from websockets.sync.client import connect

from pytrade.redaction import without_query, without_secrets
from pytrade.tests.loghandlers import formatted_handler
from rig.processes import ROOT, free_port, open_stream
from web.taskqueue import app

pytestmark = pytest.mark.processes
SECRET = "hush4711"
QUERY = f"limit=5&token={SECRET}&api_key={SECRET}&signature={SECRET}"
PATHS = ("/livez", "/nowhere/", "/api/v1/instruments/")
SERVERS = {
    "daphne": ["daphne", "--verbosity", "1"],
    "uvicorn": ["uvicorn", "--ws", "websockets-sansio", "--lifespan", "off"],
}


def test_celery_keeps_the_handlers_that_redact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(app.log), "_setup", False)
    before = [*logging.getLogger().handlers]
    assert app.log.setup_logging_subsystem(loglevel="INFO")
    assert logging.getLogger().handlers == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /a/?token=x&limit=5", "GET /a/?token=[redacted]&limit=5"),
        ("/a?limit=5&API_KEY=x HTTP/1.1", "/a?limit=5&API_KEY=[redacted] HTTP/1.1"),
        ('{"path":"/a?sign=x","status":404}', '{"path":"/a?sign=[redacted]","status":404}'),
        ("/a?access_token=x%2Fy;password=z", "/a?access_token=[redacted];password=[redacted]"),
        ("request=ab12 token=x", "request=ab12 token=x"),
        ("/a?start=1&symbol=ES", "/a?start=1&symbol=ES"),
        (
            f"GET /api/v1/venues/deribit/connections/{'x-_' * 14}/stream/ 503",
            "GET /api/v1/venues/deribit/connections/[redacted]/stream/ 503",
        ),
        (f"/ws/v1/venues/deribit/{'x' * 43}", "/ws/v1/venues/deribit/[redacted]"),
        (f"/api/v1/market/{'x' * 43}/get_order/a_b", "/api/v1/market/[redacted]/get_order/a_b"),
        ("/api/v1/venues/deribit/prices/btc_usd/", "/api/v1/venues/deribit/prices/btc_usd/"),
    ],
)
def test_only_secret_parameters_are_redacted(text: str, expected: str) -> None:
    assert without_secrets(text) == expected


def test_only_the_query_string_is_removed() -> None:
    assert without_query("GET /a/?token=x&y=%20 200") == "GET /a/ 200"
    assert without_query("GET /a/ 200") == "GET /a/ 200"
    assert without_query(f"/ws/v1/venues/deribit/{'x' * 43}?since=1") == (
        "/ws/v1/venues/deribit/[redacted]"
    )


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_log_lines_redact_secret_parameters(log_format: str) -> None:
    handler = formatted_handler(log_format)
    details = {"method": "GET", "path": f"/api/?{QUERY}"}
    record = logging.LogRecord("a", logging.INFO, "", 0, "%(method)s %(path)s", (details,), None)
    handler.handle(record)
    assert SECRET not in handler.stream.getvalue()
    assert "GET /api/?limit=5&token=[redacted]" in handler.stream.getvalue()


def log_of(server: str, tmp_path: Path) -> str:
    """Return the log of `server` after requests and a WebSocket with tokens."""
    port = free_port()
    log = tmp_path / "log"
    env = os.environ | {"DEBUG": "off", "HTTPS": "off", "PYTHONUNBUFFERED": "1"}
    env |= {"DATABASE_URL": f"sqlite:///{tmp_path / 'db'}", "REDIS_URL": ""}
    command = [sys.executable, "-m", *SERVERS[server], "--port", str(port)]
    with (
        log.open("w") as output,
        subprocess.Popen(
            [*command, "pytrade.asgi:application"],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        try:
            with open_stream(port, process):
                ask(port)
        finally:
            process.terminate()
    return log.read_text()


def ask(port: int) -> None:
    for path in PATHS:
        try:
            urlopen(f"http://127.0.0.1:{port}{path}?{QUERY}", timeout=20).close()
        except HTTPError as error:  # unknown page, or the database has no tables
            error.close()
    with connect(f"ws://127.0.0.1:{port}/ws/v1/stream?{QUERY}") as socket:
        socket.send(json.dumps({"op": "ping"}))
        assert socket.recv(timeout=20) == '{"op":"pong"}'


@pytest.mark.parametrize("server", sorted(SERVERS))
def test_access_logs_have_no_query_strings(server: str, tmp_path: Path) -> None:
    text = log_of(server, tmp_path)
    assert SECRET not in text
    for path in (*PATHS, "/ws/v1/stream"):
        assert re.search(rf'"\w+ {path}[ "]', text), (path, text)


NGINX = {path.name: path.read_text() for path in (ROOT / "deploy").glob("*.conf")}


def test_nginx_log_format_has_no_query_strings() -> None:
    (written,) = re.findall(r"log_format without_query\s+(.*?);\n", NGINX["zones.conf"], re.DOTALL)
    with_query = {"request", "request_uri", "args", "query_string", "is_args", "http_referer"}
    assert not with_query & set(re.findall(r"\$(\w+)", written))
    assert "$uri_without_token" in written
    assert '"~^(?<address>[^?]*)" $address;' in NGINX["zones.conf"]


@pytest.mark.parametrize("name", ["nginx.conf", "nginx-tls.conf"])
def test_every_nginx_server_uses_the_redacted_log_format(name: str) -> None:
    servers = NGINX[name].split("server {")[1:]
    assert servers
    for server in servers:
        included = NGINX["locations.conf"] if "locations.conf" in server else ""
        assert "access_log /var/log/nginx/access.log without_query;" in server + included
        assert "error_log /var/log/nginx/error.log crit;" in server + included
    directives = re.findall(r"access_log (\S+ \S+|off);", "".join(NGINX.values()))
    assert set(directives) == {"off", "/var/log/nginx/access.log without_query"}
