"""The full stack on one machine: one command starts it, one signal ends all of it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from rig.processes import ROOT, free_port, open_stream

pytestmark = pytest.mark.processes


@pytest.fixture
def data():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def test_one_command_runs_every_role_and_one_signal_ends_all(data):
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    log = data / "log"
    with log.open("w") as output:
        stack = subprocess.Popen(
            [sys.executable, "scripts/up.py", "--port", str(port), "--data", str(data)],
            cwd=ROOT,
            env=environment | {"DEBUG": "on"},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        with open_stream(port, stack, tries=600) as socket:
            socket.send(json.dumps({"op": "subscribe", "args": ["quotes.ES"]}))
            types = [json.loads(socket.recv(timeout=60)).get("type") for _ in range(5)]
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
                assert json.load(answer) == {"status": "ready"}
            started = psutil.Process(stack.pid).children(recursive=True)
            stack.send_signal(signal.SIGTERM)
            assert stack.wait(30) == 0, log.read_text()
    finally:
        stack.terminate()
        stack.wait(30)
    assert types[-2:] == ["ticks"] * 2
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
    text = log.read_text()
    assert "Traceback" not in text
    for role in ("web", "simulation", "worker", "beat"):
        assert f"{role}.1" in text
