"""What one client that never reads costs the others of 200, and what it makes the server hold.

    python -m benchmarks.stalled

Calm and stalled steps take turns; in a stalled one somebody stops reading. It acknowledges once
before, so that on daphne too the documented limit holds for it (docs/live.md).
"""

import contextlib
import tempfile
import threading
from typing import Self

import numpy as np
import psutil

from benchmarks.harness import report
from rig.rawsockets import RawSocket, RawSockets
from rig.servers import asgi_command, environment, free_port, make_market, running, wait_for

SOCKETS = 200
PAIRS = 5
BACKLOG_BYTES = 262_144
ORDER = b"50 6 200"
"""50 frames a second for 6 s, 200 ticks each: 2 MB for each client."""
SAMPLE_S = 0.1
STEP_S = 6.0
FRAMES = 300
PATH = "/ws/v1/stream"
SUBSCRIBE = b'{"op":"subscribe","args":["quotes.ES"]}'
ACKNOWLEDGE = b'{"op":"ack"}'
SMALL = 4096


class Others:
    """Those that read: how long after it was due each frame arrived."""

    def __init__(self) -> None:
        self.late: list[float] = []

    def take(self, sock: RawSocket, payload: bytes, arrived: float) -> None:
        if b'"ticks"' in payload[:64]:
            self.late.append(arrived - int(payload.rsplit(b",", 2)[1]) / 1e6)


class Peak(threading.Thread):
    """The most memory that a process holds, looked at every SAMPLE_S."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._first = self._most = self._process.memory_info().rss

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()

    def run(self) -> None:
        while not self._done.wait(SAMPLE_S):
            self._most = max(self._most, self._process.memory_info().rss)

    @property
    def growth(self) -> float:
        return (self._most - self._first) / 1000


def step(pid: int, sockets: RawSockets, starter: RawSocket, readers: int) -> tuple[float, float]:
    """Publish for one step; return p99 of the lateness in ms, and how the memory grew in kB."""
    others = Others()
    with Peak(pid) as peak:
        starter.send(ORDER)
        sockets.read(others.take, lambda: len(others.late) >= FRAMES * readers, STEP_S + 5)
    if len(others.late) != FRAMES * readers:
        raise RuntimeError(f"{len(others.late)} frames came, not {FRAMES * readers}")
    return float(np.percentile(others.late, 99)) * 1000, peak.growth


def measure(server: str, folder: str) -> dict[str, object]:
    port = free_port()
    env = environment(make_market(folder, ["ES"], f"{server}.sqlite3"))
    env |= {"STREAM_BACKLOG_BYTES": str(BACKLOG_BYTES)}
    command = asgi_command(server, port, "benchmarks.fanout_servers:application")
    calm, stalled, grown = [], [], []
    with running(command, env) as process, RawSockets() as sockets:
        wait_for(port, process)
        for n in range(SOCKETS):
            sockets.add(RawSocket(port, PATH, SMALL if n < PAIRS else None)).send(SUBSCRIBE)
        sockets.read(lambda *_: None, lambda: False, 2)
        with contextlib.closing(RawSocket(port, "/publish/hub")) as starter:
            step(process.pid, sockets, starter, SOCKETS)  # warms up
            for n in range(PAIRS):
                calm.append(step(process.pid, sockets, starter, SOCKETS - n)[0])
                sockets.all[n].send(ACKNOWLEDGE)
                sockets.leave_unread(sockets.all[n])
                p99, growth = step(process.pid, sockets, starter, SOCKETS - n - 1)
                stalled.append(p99)
                grown.append(growth)
                sockets.all[n].close()
    change = np.median(stalled) / np.median(calm) - 1
    return {
        f"{server}: others' p99 without it, ms": round(float(np.median(calm)), 1),
        f"{server}: others' p99 with it, ms": round(float(np.median(stalled)), 1),
        f"{server}: change": f"{change:+.0%}",
        f"{server}: backlog allowed, kB": round(BACKLOG_BYTES / 1000),
        f"{server}: memory grew by at most, kB": round(max(grown)),
    }


def main() -> None:
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        for server in ("uvicorn", "daphne"):
            figures |= measure(server, folder)
    report("stalled", figures)


if __name__ == "__main__":
    main()
