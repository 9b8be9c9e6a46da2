"""A web process that computes runs itself ends on SIGTERM although runs are queued."""

import json
import os
import signal
import subprocess
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from rig.databases import new_database_url
from rig.processes import environment, free_port, manage
from rig.servers import asgi_command, running, wait_for

pytestmark = pytest.mark.processes
RUN = {
    "indicator": "hurst",
    "symbol": "LONG",
    "start": "2025-01-01T00:00:00Z",
    "end": "2026-01-01T00:00:00Z",
    "parameters": {"n": 10_000, "num_windows": 200},
}
STATES = """
import json
from indicators.models import ComputationRun as Run
print(json.dumps(sorted(Run.objects.values_list("state", "chunks_done", "chunk_count"))))
"""


def shell(env: dict[str, str], code: str) -> str:
    return manage("shell", "-v0", "-c", code, env=env)


def test_queued_runs_do_not_delay_shutdown(tmp_path: Path) -> None:
    env = environment(new_database_url(tmp_path))
    manage("migrate", "-v0", env=env)
    shell(env, "from rig.longhistory import *; store_minutes('LONG', 20_000)")
    port = free_port()
    with running(asgi_command("daphne", port, "pytrade.asgi:application"), env) as process:
        wait_for(port, process)
        for _ in range(20):  # minutes of work
            start(port)
        while not json.loads(shell(env, STATES))[-1][1]:
            os.sched_yield()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            raise AssertionError("the process still computes what was queued") from None
    states = json.loads(shell(env, STATES))
    assert [state for state, _, _ in states] == ["queued"] * 19 + ["running"]


def start(port: int) -> None:
    headers = {"Content-Type": "application/json"}
    address = f"http://127.0.0.1:{port}/api/v1/indicators/runs/"
    with urlopen(Request(address, json.dumps(RUN).encode(), headers), timeout=30) as answer:
        assert answer.status == 202
