"""A web process that computes runs itself ends on SIGTERM although runs are queued."""

import json
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from rig.databases import seeded_database_url
from rig.processes import environment, free_port, manage
from rig.servers import asgi_command, running, wait_for
from rig.waiting import wait_until

pytestmark = pytest.mark.processes
RUN = {
    "indicator": "hurst",
    "symbol": "LONG",
    "start": "2025-01-01T00:00:00Z",
    "end": "2026-01-01T00:00:00Z",
    "parameters": {"n": 10_000, "num_windows": 200},
}
STORE = "from rig.longhistory import *; store_minutes('LONG', 20_000)"
STATES = "SELECT state, chunks_done FROM indicators_computationrun ORDER BY 1, 2"


@pytest.mark.parametrize("server", ["uvicorn", "daphne"])
def test_queued_runs_do_not_delay_shutdown(tmp_path: Path, server: str) -> None:
    env = environment(seeded_database_url(tmp_path))
    manage("shell", "-v0", "-c", STORE, env=env)
    port = free_port()
    with (
        closing(sqlite3.connect(tmp_path / "market.sqlite3", timeout=30)) as database,
        running(asgi_command(server, port, "pytrade.asgi:application"), env) as process,
    ):
        wait_for(port, process)
        for _ in range(20):  # minutes of work
            start(port)
        wait_until(lambda: database.execute(STATES).fetchall()[-1][1], "a run has begun")
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            raise AssertionError("the process still computes what was queued") from None
        states = [state for state, _ in database.execute(STATES)]
    assert states == ["queued"] * 19 + ["running"]


def start(port: int) -> None:
    headers = {"Content-Type": "application/json"}
    address = f"http://127.0.0.1:{port}/api/v1/indicators/runs/"
    with urlopen(Request(address, json.dumps(RUN).encode(), headers), timeout=30) as answer:
        assert answer.status == 202
