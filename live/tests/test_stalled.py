"""Clients that read nothing are closed; the others get everything and memory stays bounded."""

import contextlib
import re
import sys
from urllib.request import urlopen

import psutil
import pytest

from rig.deliveries import verify
from rig.processes import free_port
from rig.servers import asgi_command, environment, make_market, running, wait_for
from rig.spectators import Spectators
from scripts.services import Redis

pytestmark = pytest.mark.processes

SYMBOLS = ["ES", "NQ"]
HELLO = b'{"op":"subscribe","args":["quotes.*"],"batch":true}'
STALLED, READERS = 30, 2
BACKLOG_BYTES = 65_536
MOST_GROWTH = 15_000_000
MARKET = ["manage.py", "runsim", "--speed", "4000", "--instruments", *SYMBOLS]
"""8,000 ticks a second: a client that reads nothing is over its backlog after three seconds."""


def metric(port, name):
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        found = re.search(rf"^{re.escape(name)} (.*)$", answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def slow(port):
    return metric(port, 'pytrade_closes_total{reason="slow"}')


@contextlib.contextmanager
def served(server, env):
    """Yield the port and the process of a web server beside, or with, a fast market."""
    port = free_port()
    with contextlib.ExitStack() as stack:
        if server == "runsim --serve":
            command = [sys.executable, *MARKET, "--serve", f"127.0.0.1:{port}"]
            process = stack.enter_context(running(command, env))
        else:
            env |= {"REDIS_URL": stack.enter_context(Redis()).url}
            command = asgi_command(server, port, "pytrade.asgi:application")
            process = stack.enter_context(running(command, env))
            stack.enter_context(running([sys.executable, *MARKET], env))
        wait_for(port, process)
        yield port, psutil.Process(process.pid)


@pytest.mark.parametrize("server", ["runsim --serve", "daphne"])
def test_clients_that_read_nothing_are_bounded_and_closed(server, tmp_path):
    env = environment(make_market(tmp_path, SYMBOLS)) | {"STREAM_BACKLOG_BYTES": str(BACKLOG_BYTES)}
    with served(server, env) as (port, process), Spectators() as spectators:
        readers = spectators.connect(port, READERS, HELLO)
        spectators.run(30, lambda: all(len(each.received) > 5 for each in readers))
        late, *stalled = spectators.connect(port, STALLED, HELLO, receive_bytes=4096)
        spectators.run(30, lambda: all(each.received for each in [late, *stalled]))
        before = process.memory_info().rss
        spectators.stall([late, *stalled])
        most = 0.0
        for _ in range(120):
            spectators.run(0.25)
            most = max(most, metric(port, "pytrade_buffered_bytes"))
            if slow(port) == STALLED:
                break
        assert slow(port) == STALLED
        assert most <= STALLED * BACKLOG_BYTES
        if server == "daphne":  # which by itself holds everything unread
            assert process.memory_info().rss - before < MOST_GROWTH
        spectators.resume([late])
        spectators.run(30, lambda: late.is_lost)
        check_end(late)
        spectators.run(30, lambda: metric(port, "pytrade_sockets") == READERS)
        assert metric(port, "pytrade_sockets") == READERS
        until = readers[0].received[-1][0]
        spectators.run(30, lambda: all(each.received[-1][0] > until + 1 for each in readers))
        assert verify(readers, 0, until).is_whole


def check_end(late):
    """Check that a client had every row up to a gap, and was closed with 4008."""
    verdict = verify([late], 0, 0)
    assert verdict.missing == verdict.duplicates == 0
    assert verdict.gaps == len(SYMBOLS)
    assert late.close_code == 4008
