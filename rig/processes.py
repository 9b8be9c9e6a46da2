"""Real processes for tests: `manage.py` commands in an environment of their own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parent.parent


def environment(database_url: str, redis_url: str = "") -> dict[str, str]:
    return os.environ | {
        "DEBUG": "on",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PYTHONWARNINGS": "default",
    }


def manage(*arguments: str, env: dict[str, str], timeout: float = 300) -> str:
    """Run a command to its end and return its standard output; fail when it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def audit(env: dict[str, str]) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(manage("audit", "--json", env=env).splitlines()[-1])
    return report


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(*arguments: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a command beside the test; on leaving, end it if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)


def open_stream(port: int, process: subprocess.Popen[str], tries: int = 600) -> ClientConnection:
    """Return a WebSocket to the stream of a server that is just starting."""
    for _ in range(tries):
        assert process.poll() is None, process.communicate()[1]
        try:
            return connect(f"ws://127.0.0.1:{port}/ws/v1/stream")
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
    raise AssertionError(f"nobody listens on port {port}")
