"""Limits of the stream and resets after a restored database, on real sockets of both servers."""

import contextlib
import json
import subprocess
import sys
from urllib.request import urlopen

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from rig.databases import seeded_database_url
from rig.processes import ROOT, environment, free_port, manage, open_stream

pytestmark = pytest.mark.processes


@contextlib.contextmanager
def serving(server, port, env):
    commands = {
        "daphne": ["daphne", "-p", str(port), "pytrade.asgi:application"],
        "uvicorn": ["uvicorn", "--port", str(port), "pytrade.asgi:application"],
    }
    process = subprocess.Popen(
        [sys.executable, "-m", *commands[server]],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with open_stream(port, process):
            pass
        yield
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors, errors


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    """Return the environment of a server that has half a minute of ES."""
    limits = {"STREAM_CONNECTIONS_PER_ADDRESS": "3", "STREAM_IDLE_S": "3"}
    env = environment(seeded_database_url(tmp_path_factory.mktemp("market"))) | limits
    manage("backfill", "--hours", "0.01", "--instruments", "ES", env=env)
    return env


@pytest.fixture(params=["daphne", "uvicorn"])
def port(request, env):
    port = free_port()
    with serving(request.param, port, env):
        yield port


def follow(socket, **request):
    socket.send(json.dumps({"op": "subscribe", "args": ["quotes.ES"]} | request))
    assert json.loads(socket.recv(timeout=60))["success"]
    return json.loads(socket.recv(timeout=60))


def test_limits_and_reset_are_enforced_by_both_servers(port):
    url = f"ws://127.0.0.1:{port}/ws/v1/stream"
    with connect(url) as idle, connect(url) as first, connect(url) as second:
        with pytest.raises(InvalidStatus), connect(url):
            pass
        newest = follow(first)["data"][-1][0]
        assert follow(second, since={"ES": newest + 5}) == {
            "topic": "quotes.ES",
            "type": "reset",
            "last_seq": newest,
        }
        with pytest.raises(ConnectionClosed) as closed:
            idle.recv(timeout=60)
        assert closed.value.rcvd.code == 4000
    with connect(url) as batched:
        (frame,) = follow(batched, batch=True, since={"ES": newest - 2})
        assert [row[0] for row in frame["data"]] == [newest - 1, newest]
        batched.send("x" * (16 * 1024 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            batched.recv(timeout=60)
        assert closed.value.rcvd.code == 1008


def test_server_ends_although_an_event_stream_is_open(env):
    """`serving` waits for the end of the server."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/api/v1/stream/?topics=quotes.ES&since=ES:1"
    with contextlib.ExitStack() as streams, serving("uvicorn", port, env):
        stream = streams.enter_context(urlopen(address, timeout=60))
        assert stream.readline().startswith(b"id: ES:")
