"""Clients that read nothing: others get everything, memory has a bound, and they are told."""

import contextlib
import json
import sys

import pytest

from rig.census import deserted, take
from rig.rawsockets import RawSocket, RawSockets
from rig.servers import asgi_command, environment, free_port, make_market, running, wait_for

pytestmark = pytest.mark.processes

PATH = "/ws/v1/stream"
SUBSCRIBE = b'{"op":"subscribe","args":["quotes.ES"]}'
ACKNOWLEDGE = b'{"op":"ack"}'
STALLED = 5
BACKLOG_BYTES = 262_144
FRAMES, ORDER = 250, b"125 2 2000"
"""250 frames of 64 kB: 16 MB for each client, more than the kernel holds for it."""
MOST_GROWTH = 8_000_000


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    market = make_market(tmp_path_factory.mktemp("market"), ["ES"])
    return environment(market) | {"STREAM_BACKLOG_BYTES": str(BACKLOG_BYTES)}


class Stage:
    """A server that publishes when told, and clients of it."""

    def __init__(self, server, env, stack):
        self.port = free_port()
        command = asgi_command(server, self.port, "benchmarks.fanout_servers:application")
        wait_for(self.port, stack.enter_context(running(command, env)))
        self._starter = stack.enter_context(
            contextlib.closing(RawSocket(self.port, "/publish/hub"))
        )
        self._stack = stack

    def subscribe(self, clients=1, receive_bytes=None, acknowledge=True):
        """Return sockets that follow ES and acknowledge once, so that daphne watches them."""
        before = take(self.port)["following"]
        socks = [RawSocket(self.port, PATH, receive_bytes) for _ in range(clients)]
        for sock in socks:
            self._stack.callback(sock.close)
            sock.send(SUBSCRIBE)
            if acknowledge:
                sock.send(ACKNOWLEDGE)
        while take(self.port)["following"] < before + clients:
            pass
        return socks

    def publish(self):
        self._starter.send(ORDER)


def read_frames(sock, wanted=FRAMES):
    """Return so many frames, or those before the end of the stream."""
    frames = []

    def take_frame(_, text, at):
        if b'"topic"' in text[:64]:
            frames.append(json.loads(text))

    with RawSockets() as sockets:
        sockets.add(sock)
        sockets.read(take_frame, lambda: len(frames) == wanted or sock.closed, 10)
    return frames


def check_end(sock, frames):
    """Check that all came up to a gap that is named, and that the server closed with 4008."""
    *ticks, gap = frames
    seqs = [row[0] for frame in ticks for row in frame["data"]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert (gap["type"], gap["from_seq"]) == ("gap", len(seqs) + 1)
    assert sock.close_code == 4008


@pytest.fixture
def stage(request, env):
    with contextlib.ExitStack() as stack:
        yield Stage(request.param, env, stack)


@pytest.mark.parametrize("stage", ["daphne", "uvicorn"], indirect=True)
def test_who_reads_nothing_takes_neither_frames_nor_memory_from_others(stage):
    (reader,) = stage.subscribe(acknowledge=False)
    stage.subscribe(STALLED, receive_bytes=4096)
    before = take(stage.port)["memory"]
    stage.publish()
    frames = read_frames(reader)
    grown = take(stage.port)["memory"] - before
    assert len(frames) == FRAMES
    assert grown < MOST_GROWTH


@pytest.mark.parametrize("stage", ["uvicorn"], indirect=True)
def test_who_reads_again_is_told_of_the_gap_and_closed(stage):
    (reader,) = stage.subscribe(acknowledge=False)
    (stalled,) = stage.subscribe(receive_bytes=4096)
    stage.publish()
    read_frames(reader)
    check_end(stalled, read_frames(stalled))


@pytest.mark.parametrize("stage", ["daphne"], indirect=True)
def test_who_acknowledges_no_more_is_told_of_the_gap_and_closed(stage):
    (late,) = stage.subscribe()
    stage.publish()
    check_end(late, read_frames(late))


def test_daphne_cuts_off_who_does_not_answer_its_ping(env):
    port = free_port()
    limits = ["--ping-interval", "1", "--ping-timeout", "1", "-v", "0", "-p", str(port)]
    command = [sys.executable, "-m", "daphne", *limits, "rig.census:application"]
    with running(command, env) as process:
        wait_for(port, process)
        with contextlib.closing(RawSocket(port, PATH)) as sock:
            sock.send(SUBSCRIBE)
            assert deserted(port)["sockets"] == 0
