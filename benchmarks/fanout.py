"""How many frames a second one process sends to 200 sockets on one topic.

    python -m benchmarks.fanout [WAY ...]

The hub, in memory and through Redis from another process, and the usual way of Channels (a group
member per socket, send_json), each on uvicorn and on daphne; the broadcast of the `websockets`
library; Flask-SocketIO with threads and with gevent.

A rate holds when every frame arrives and p99 of the time from when it was due to its arrival is
under 250 ms. The rate doubles until it does not hold, then the interval is halved; the figure is
the highest rate that held.
"""

import argparse
import contextlib
import math
import multiprocessing
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import numpy as np

from benchmarks.harness import report
from rig.rawsockets import RawSocket, RawSockets
from rig.servers import (
    asgi_command,
    environment,
    free_port,
    make_market,
    running,
    wait_for,
)
from scripts.services import Redis

SOCKETS = 200
CLIENTS = 2
"""Processes that the sockets are shared out to."""
P99_S = 0.25
STEP_S = 2.0
DRAIN_S = 2.0
"""What has not come this long after its step is lost."""
FIRST_RATE = 10.0
"""Frames a second and socket that the search starts from."""
FINENESS = 1.05
"""The search ends when the lowest rate that failed is this near to the highest that held."""
SUBSCRIBE = b'{"op":"subscribe","args":["regimes.ES"]}'
SERVERS = "benchmarks.fanout_servers"


@dataclass(frozen=True)
class Way:
    """How to serve, where watchers connect and what they say, and how to start publishing."""

    server: str
    path: str
    hello: tuple[bytes, ...] = ()
    start: str = ""
    """Path of the socket that takes orders; empty: the publisher is a process of its own."""
    order: str = "{}"

    def command(self, port: int) -> list[str]:
        if self.server in ("uvicorn", "daphne"):
            return asgi_command(self.server, port, f"{SERVERS}:application")
        return [sys.executable, "-m", SERVERS, self.server, str(port)]


SOCKETIO = "/socket.io/?EIO=4&transport=websocket"
FLASK = (SOCKETIO, (b"40",), SOCKETIO, '42["publish","{}"]')
STREAM = ("/ws/v1/stream", (SUBSCRIBE,))
WAYS = {
    "naive on uvicorn": Way("uvicorn", "/naive", (), "/publish/naive"),
    "naive on daphne": Way("daphne", "/naive", (), "/publish/naive"),
    "hub on uvicorn": Way("uvicorn", *STREAM, "/publish/hub"),
    "hub on daphne": Way("daphne", *STREAM, "/publish/hub"),
    "hub through Redis on uvicorn": Way("uvicorn", *STREAM),
    "hub through Redis on daphne": Way("daphne", *STREAM),
    "websockets broadcast": Way("websockets", "/", (), "/publish"),
    "Flask-SocketIO, threads": Way("threading", *FLASK),
    "Flask-SocketIO, gevent": Way("gevent", *FLASK),
}
RATIOS = {
    "hub / naive, uvicorn": ("hub on uvicorn", "naive on uvicorn"),
    "hub / naive, daphne": ("hub on daphne", "naive on daphne"),
    "hub on uvicorn / websockets broadcast": ("hub on uvicorn", "websockets broadcast"),
    "hub on uvicorn / Flask-SocketIO, gevent": ("hub on uvicorn", "Flask-SocketIO, gevent"),
    "through Redis / in memory, uvicorn": ("hub through Redis on uvicorn", "hub on uvicorn"),
    "through Redis / in memory, daphne": ("hub through Redis on daphne", "hub on daphne"),
}


@dataclass
class Step:
    """What arrived of one rate."""

    expected: int
    latencies: list[float] = field(default_factory=list)
    busy: float = 0.0

    def is_complete(self) -> bool:
        return len(self.latencies) >= self.expected

    def take(self, sock: RawSocket, payload: bytes, arrived: float) -> None:
        if b'"ticks"' in payload[:64]:  # not an answer to what we said
            self.latencies.append(arrived - int(payload.rsplit(b",", 2)[1]) / 1e6)


def watch(pipe: Connection, port: int, way: Way, sockets_wanted: int) -> None:
    """Hold sockets in its own process; for each number of frames received, send back a Step."""
    with RawSockets() as sockets:
        for _ in range(sockets_wanted):
            sock = sockets.add(RawSocket(port, way.path))
            for said in way.hello:
                sock.send(said)
        settle(sockets)
        pipe.send("ready")
        while True:
            step = Step(expected=pipe.recv())
            step.busy = sockets.read(step.take, step.is_complete, STEP_S + DRAIN_S)
            pipe.send(step)


def settle(sockets: RawSockets) -> None:
    """Read until nothing comes any more: everyone is subscribed."""
    came, before = [0], -1

    def count(*_: object) -> None:
        came[0] += 1

    while came[0] != before:
        before = came[0]
        sockets.read(count, lambda: False, 0.5)


class Race:
    """A running server with all its watchers, and a channel that tells it to publish."""

    def __init__(self, way: Way, pipes: list[Connection], order: Callable[[str], None]) -> None:
        self._way = way
        self._pipes = pipes
        self._order = order

    def run(self, rate: float, seconds: float = STEP_S) -> tuple[bool, bool, float]:
        """Publish at `rate`; return whether it held, whether all frames came, and how busy the
        clients were."""
        frames = round(rate * seconds)
        for pipe in self._pipes:
            pipe.send(frames * (SOCKETS // len(self._pipes)))
        self._order(self._way.order.format(f"{rate} {seconds}"))
        steps: list[Step] = [pipe.recv() for pipe in self._pipes]
        latencies = np.concatenate([step.latencies for step in steps])
        complete = len(latencies) == frames * SOCKETS
        holds = complete and bool(np.percentile(latencies, 99) < P99_S)
        return holds, complete, max(step.busy for step in steps)


@contextlib.contextmanager
def watching(port: int, way: Way) -> Iterator[list[Connection]]:
    """Open all sockets, in CLIENTS processes."""
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(CLIENTS)]
    processes = [
        context.Process(target=watch, args=(theirs, port, way, SOCKETS // CLIENTS), daemon=True)
        for _, theirs in pairs
    ]
    try:
        for process in processes:
            process.start()
        for ours, _ in pairs:
            assert ours.recv() == "ready"
        yield [ours for ours, _ in pairs]
    finally:
        for process in processes:
            process.kill()
            process.join()


@contextlib.contextmanager
def racing(way: Way, env: dict[str, str]) -> Iterator[Race]:
    port = free_port()
    with contextlib.ExitStack() as stack:
        order: Callable[[str], None]
        if not way.start:
            env = env | {"REDIS_URL": stack.enter_context(Redis()).url}
            command = [sys.executable, "-m", SERVERS, "redis"]
            publisher = stack.enter_context(running(command, env, subprocess.PIPE))

            def order(text: str) -> None:
                print(text, file=publisher.stdin, flush=True)

        server = stack.enter_context(running(way.command(port), env))
        wait_for(port, server)
        pipes = stack.enter_context(watching(port, way))
        if way.start:
            starter = RawSocket(port, way.start)
            stack.callback(starter.close)
            for said in way.hello if way.start == way.path else ():
                starter.send(said)

            def order(text: str) -> None:
                starter.send(text.encode())

        race = Race(way, pipes, order)
        race.run(FIRST_RATE, 0.5)  # warms up
        yield race


class Search:
    """Finds the highest rate that holds: doubles, then halves the interval (geometrically).

    A rate has failed when it failed twice: once may be the machine.
    """

    def __init__(self) -> None:
        self.rate = FIRST_RATE
        self.held = 0.0
        self._failed = math.inf
        self._doubted = False

    @property
    def is_over(self) -> bool:
        return self._failed <= max(self.held, 1.0) * FINENESS

    def note(self, holds: bool) -> None:
        """Take what `rate` did, and set the next one."""
        if not holds and not self._doubted:
            self._doubted = True
            return
        self._doubted = False
        if holds:
            self.held = self.rate
        else:
            self._failed = self.rate
        if self._failed == math.inf:
            self.rate *= 2
        else:
            self.rate = math.sqrt(max(self.held, 1.0) * self._failed)


def measure(way: Way, env: dict[str, str]) -> tuple[float, float]:
    """Return the most frames a second that held, and how busy the clients then were (0 to 1).

    After a rate that lost frames, a new server.
    """
    search, busy = Search(), 0.0
    while not search.is_over:
        with racing(way, env) as race:
            complete = True
            while complete and not search.is_over:
                holds, complete, clients_busy = race.run(search.rate)
                busy = clients_busy if holds else busy
                search.note(holds)
    return search.held * SOCKETS, busy


def main() -> None:
    parser = argparse.ArgumentParser(description="Frames a second to 200 sockets on one topic.")
    parser.add_argument("ways", nargs="*", metavar="WAY", help=f"of {', '.join(WAYS)}")
    chosen = parser.parse_args().ways or list(WAYS)
    figures: dict[str, object] = {}
    rates: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        env = environment(make_market(folder, ["ES"]))
        for name in chosen:
            rates[name], busy = measure(WAYS[name], env)
            figures[f"{name}, frames/s"] = round(rates[name], -2)
            print(f"{name}: {rates[name]:,.0f} frames/s, clients busy {busy:.0%}", flush=True)
    for label, (ours, theirs) in RATIOS.items():
        if rates.get(theirs) and ours in rates:
            figures[label] = round(rates[ours] / rates[theirs], 2)
    if len(chosen) == len(WAYS):
        report("fanout", figures)
    else:
        print(figures)


if __name__ == "__main__":
    main()
