"""PostgreSQL outages under a live market."""

import contextlib
import json
import signal
import time
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from rig.databases import seeded_on
from rig.processes import audit, environment, free_port, open_stream, running

pytestmark = pytest.mark.processes


class Listener:
    """Collects every frame that a socket receives, in order."""

    def __init__(self, socket):
        self.socket = socket
        self.frames = []

    def hear(self, seconds):
        """Return the next frame, or None after `seconds`."""
        try:
            frame = json.loads(self.socket.recv(timeout=seconds))
        except TimeoutError:
            return None
        self.frames.append(frame)
        return frame

    def hear_for(self, seconds):
        deadline = time.monotonic() + seconds
        while (rest := deadline - time.monotonic()) > 0:
            self.hear(rest)

    def hear_until(self, wanted, seconds):
        """Wait at most `seconds` for a frame that contains the `wanted` items."""
        deadline = time.monotonic() + seconds
        while (rest := deadline - time.monotonic()) > 0:
            frame = self.hear(rest)
            if frame and wanted.items() <= frame.items():
                return
        raise AssertionError(f"no {wanted} within {seconds} s: {self.frames[-3:]}")

    def hear_state(self, state, seconds):
        self.hear_until({"state": state}, seconds)

    def hear_ticks(self, seconds):
        self.hear_until({"type": "ticks"}, seconds)


@contextlib.contextmanager
def heard_market(postgresql):
    """Run a market on `postgresql`; yield its port and a subscriber; then check all frames."""
    env = environment(seeded_on(postgresql.url))
    port = free_port()
    arguments = ["--serve", f"127.0.0.1:{port}", "--speed", "20", "--instruments", "YM"]
    with running("runsim", *arguments, env=env) as run, open_stream(port, run) as socket:
        socket.send(json.dumps({"op": "subscribe", "args": ["quotes.YM", "status.YM"]}))
        socket.send(json.dumps({"op": "ping"}))
        listener = Listener(socket)
        listener.hear_until({"op": "pong"}, 60)  # what was subscribed to is followed
        listener.hear_ticks(60)  # the market has begun, some time after the server answers
        yield port, listener
        run.send_signal(signal.SIGTERM)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 0, errors
    assert "Traceback" not in errors
    assert_each_tick_once(listener)
    assert audit(env)["ok"]


def test_market_turns_stale_and_recovers_when_database_hangs(postgresql):
    with heard_market(postgresql) as (_, listener):
        postgresql.pause()
        listener.hear_state("stale", 60)
        postgresql.resume()
        listener.hear_state("live", 60)
        listener.hear_ticks(60)


def test_sigterm_ends_a_market_whose_database_hangs(postgresql):
    env = environment(seeded_on(postgresql.url)) | {"DATABASE_TIMEOUT_S": "2"}
    port = free_port()
    arguments = ["--serve", f"127.0.0.1:{port}", "--speed", "20", "--instruments", "YM"]
    with running("runsim", *arguments, env=env) as run, open_stream(port, run) as socket:
        socket.send(json.dumps({"op": "subscribe", "args": ["quotes.YM", "status.YM"]}))
        listener = Listener(socket)
        listener.hear_ticks(60)
        postgresql.pause()
        try:
            listener.hear_state("stale", 60)
            run.send_signal(signal.SIGTERM)
            _, errors = run.communicate(timeout=60)
        finally:
            postgresql.resume()
    assert run.returncode == 1
    assert "CommandError" in errors or "database" in errors.splitlines()[-1]
    assert audit(env)["ok"]


@pytest.mark.parametrize(("end", "outage_s"), [("stop", 10), ("kill", 2)])
def test_seq_has_no_gaps_after_postgresql_outage(postgresql, end, outage_s):
    with heard_market(postgresql) as (port, listener):
        getattr(postgresql, end)()
        listener.hear_state("stale", 60)
        with pytest.raises(HTTPError) as refused:
            urlopen(f"http://127.0.0.1:{port}/api/v1/instruments/YM/quotes/", timeout=60)
        listener.hear_for(outage_s)
        postgresql.start()
        listener.hear_state("live", 60)
        listener.hear_ticks(60)
    assert refused.value.code == 503
    assert refused.value.headers["Retry-After"] == "2"
    assert "database is unavailable" in json.load(refused.value)["detail"]
    refused.value.close()


def assert_each_tick_once(listener):
    ticks = [frame for frame in listener.frames if frame.get("type") == "ticks"]
    seqs = [row[0] for frame in ticks for row in frame["data"]]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert listener.frames[-1] in ticks
