"""A web process responds and reports the cause while its PostgreSQL is suspended."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest

from rig.databases import seeded_on
from rig.processes import environment, free_port
from rig.servers import asgi_command, running, wait_for
from rig.waiting import PATIENCE_S
from scripts.services import PostgreSQL

pytestmark = pytest.mark.processes


@pytest.fixture(params=["uvicorn", "daphne"])
def port(postgresql: PostgreSQL, request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a web process on `postgresql`, with all connections of its pool in use before."""
    env = environment(seeded_on(postgresql.url)) | {"DATABASE_TIMEOUT_S": "2"}
    port = free_port()
    with running(asgi_command(request.param, port, "pytrade.asgi:application"), env) as process:
        wait_for(port, process)
        assert ask(port, "/readyz")[0] == 200
        yield port


def ask(port: int, path: str) -> tuple[int, str, str]:
    """Return status, content type and body."""
    return answer(sent(port, path))


def sent(port: int, path: str) -> HTTPConnection:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", path)
    return connection


def answer(connection: HTTPConnection) -> tuple[int, str, str]:
    response: HTTPResponse = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, response.headers["Content-Type"], body


def test_web_process_answers_while_postgresql_hangs(postgresql: PostgreSQL, port: int) -> None:
    postgresql.pause()
    try:
        waiting = [sent(port, "/api/v1/instruments/") for _ in range(20)]
        assert ask(port, "/livez")[0] == 200
        status, kind, body = ask(port, "/readyz")
        assert (status, kind) == (503, "application/problem+json")
        assert "database" in json.loads(body)["errors"]
        for connection in waiting:
            status, kind, body = answer(connection)
            assert (status, kind) == (503, "application/problem+json")
            assert "database" in json.loads(body)["detail"]
        status, _, page = ask(port, "/status/")
        assert status == 200
        assert 'data-part="Database" data-state="failed"' in page
        status, kind, page = ask(port, "/")
        assert (status, kind) == (503, "text/html; charset=utf-8")
        assert "The database is unavailable" in page
    finally:
        postgresql.resume()
    while ask(port, "/readyz")[0] != 200:
        pass
    assert ask(port, "/api/v1/instruments/")[0] == 200
