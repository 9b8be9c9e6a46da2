"""The selector server over real sockets: responses, errors, limits and shutdown."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest

from pytrade.selectorserver.parser import MOST_BYTES, Incomplete, parse
from pytrade.selectorserver.server import Limits, SelectorServer

ROOT = Path(__file__).parents[2]
HOST = b"Host: x\r\n"


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    length = int(environ.get("CONTENT_LENGTH", 0))
    body = environ["wsgi.input"].read(length)
    text = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']} "
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.encode("latin-1"), body]


@contextmanager
def serving(application: Any = None, **limits: Any) -> Iterator[SelectorServer]:
    app = application or validator(echo)
    server = SelectorServer(app, ("127.0.0.1", 0), Limits(**{"stop_s": 5, **limits}))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def server() -> Iterator[SelectorServer]:
    with serving() as running:
        yield running


def connected(server: SelectorServer) -> socket.socket:
    return socket.create_connection(server.address, timeout=60)


def everything(sock: socket.socket) -> bytes:
    data = b""
    while block := sock.recv(65_536):
        data += block
    return data


def exchange(server: SelectorServer, data: bytes) -> bytes:
    """Send `data`, shut down sending, and return the complete response."""
    with connected(server) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        return everything(sock)


def test_connections_are_persistent(server: SelectorServer) -> None:
    client = http.client.HTTPConnection(*server.address, timeout=60)
    for n in range(3):
        client.request("GET", f"/a%20b?n={n}")
        assert client.getresponse().read() == f"GET /a b?n={n} ".encode()
    client.request("POST", "/", body=b"hello", headers={"Content-Type": "text/plain"})
    assert client.getresponse().read() == b"POST /? hello"
    client.request("HEAD", "/")
    answer = client.getresponse()
    assert (answer.read(), answer.headers["Connection"]) == (b"", "keep-alive")
    client.close()


def test_pipelined_requests_are_answered_in_order(server: SelectorServer) -> None:
    answer = exchange(
        server, b"".join(b"GET /%d HTTP/1.1\r\n%s\r\n" % (n, HOST) for n in range(20))
    )
    at = [answer.index(b"GET /%d?" % n) for n in range(20)]
    assert at == sorted(at)
    assert answer.count(b"200 OK") == 20


def test_request_sent_byte_by_byte_is_answered(server: SelectorServer) -> None:
    with connected(server) as sock:
        for byte in b"GET /slow HTTP/1.0\r\n\r\n":
            sock.send(bytes([byte]))
        assert everything(sock).endswith(b"GET /slow? ")


def test_expect_100_continue_is_answered(server: SelectorServer) -> None:
    with connected(server) as sock:
        head = b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n"
        sock.sendall(head + b"Connection: close\r\n\r\n")
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"ok")
        assert everything(sock).endswith(b"POST /? ok")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"a" * MOST_BYTES + b"\r\n\r\n", 431),
        (b"G" * (MOST_BYTES + 1), 431),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4096\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n" * 2 + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST * 2 + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b" folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: \x00\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
    ],
)
def test_malformed_request_is_rejected(server: SelectorServer, data: bytes, status: int) -> None:
    answer = exchange(server, data)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"Connection: close" in answer


def test_request_of_exactly_the_limit_is_accepted() -> None:
    head = b"GET / HTTP/1.1\r\n" + HOST + b"A: "
    data = head + b"a" * (MOST_BYTES - len(head) - 4) + b"\r\n\r\n"
    found = parse(data)
    assert not isinstance(found, Incomplete)
    assert found[1] == MOST_BYTES
    assert isinstance(parse(data[:-1]), Incomplete)


def test_slow_and_idle_clients_are_disconnected() -> None:
    with serving(request_s=0.2, idle_s=0.2) as server:
        with connected(server) as slow, connected(server) as idle:
            slow.sendall(b"GET / HT")
            assert everything(slow).startswith(b"HTTP/1.1 408 ")
            assert everything(idle) == b""
        assert exchange(server, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


class Gate:
    """An application that blocks until `opened` is set."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.begun.release()
        assert self.opened.wait(60)
        return echo(environ, start_response)


def test_full_queue_is_503() -> None:
    gate = Gate()
    with (
        serving(gate, workers=1, queue=1) as server,
        connected(server) as first,
        connected(server) as second,
    ):
        first.sendall(b"GET /1 HTTP/1.0\r\n\r\n")
        assert gate.begun.acquire(timeout=60)
        second.sendall(b"GET /2 HTTP/1.0\r\n\r\n")
        answer = exchange(server, b"GET /3 HTTP/1.0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1" in answer
        gate.opened.set()
        assert everything(first).endswith(b"GET /1? ")
        assert everything(second).endswith(b"GET /2? ")


def test_stop_finishes_pending_requests() -> None:
    gate = Gate()
    with serving(gate) as server, connected(server) as sock, connected(server) as idle:
        sock.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert gate.begun.acquire(timeout=60)
        server.stop()
        assert everything(idle) == b""
        gate.opened.set()
        assert everything(sock).endswith(b"GET /? ")
    with pytest.raises(ConnectionRefusedError):
        connected(server)


def test_failing_application_is_500_and_the_next_request_is_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if environ["PATH_INFO"] == "/bad":
            raise RuntimeError("on purpose")
        return echo(environ, start_response)

    with serving(fails) as server:
        answer = exchange(server, b"GET /bad HTTP/1.0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 500 ")
        assert b"on purpose" not in answer
        assert exchange(server, b"GET /good HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_large_response_is_sent_completely() -> None:
    body = b"x" * 20_000_000

    def long(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [])
        return [body]

    with serving(long) as server:
        assert exchange(server, b"GET / HTTP/1.0\r\n\r\n").endswith(body)


@pytest.mark.processes
def test_command_serves_and_stops_on_sigterm(tmp_path: Path) -> None:
    env = os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path / 'db'}", "DEBUG": "on"}
    command = [sys.executable, "manage.py", "runselector", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        host, port = process.stdout.readline().strip().removeprefix("http://").split(":")
        client = http.client.HTTPConnection(host, int(port), timeout=60)
        client.request("GET", "/livez")
        answer = client.getresponse()
        assert answer.status == 200
        answer.read()
        client.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
