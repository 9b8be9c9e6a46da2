"""Start real processes for tests and benchmarks, and wait until they answer."""

import configparser
import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parent.parent
READY_S = 180.0
"""Limit for a server to start, generous because other tests may keep the processors busy."""
POLL_S = 0.05


def environment(database_url: str, redis_url: str = "") -> dict[str, str]:
    return os.environ | {
        "DEBUG": "on",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PYTHONWARNINGS": "default",
    }


def manage(*arguments: str, env: dict[str, str], timeout: float = 300) -> str:
    """Run a manage.py command and return its standard output; raise AssertionError if it fails."""
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
    found: dict[str, Any] = json.loads(manage("audit", "--json", env=env).splitlines()[-1])
    return found


def web_process(port: int | str) -> list[str]:
    """Return Python's arguments for a web process as `make up` starts it, on loopback."""
    supervised = configparser.RawConfigParser()
    supervised.read_string((ROOT / "supervisord.conf").read_text())
    _, *arguments = supervised["program:web"]["command"].split()
    named = {"%(ENV_UP_HOST)s": "127.0.0.1", "%(process_num)d": str(port)}
    return [named.get(word, word) for word in arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def background(
    command: Sequence[str],
    env: Mapping[str, str],
    output: int = subprocess.DEVNULL,
    stdin: int | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run a process in this checkout and kill it on exit; `output`: its stdout and stderr."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=stdin, stdout=output, stderr=output, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=60)


def running(
    *arguments: str, env: dict[str, str]
) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    """Run a manage.py command in the background, with captured output."""
    return background([sys.executable, "manage.py", *arguments], env, subprocess.PIPE)


def wait_for_http(
    url: str,
    process: subprocess.Popen[Any],
    trust: ssl.SSLContext | None = None,
    limit_s: float = READY_S,
) -> None:
    """Wait until `process` answers at `url`, with any status. `trust`: for HTTPS.

    Raise RuntimeError if the process exits first, TimeoutError after `limit_s`.
    """
    deadline = time.monotonic() + limit_s
    while process.poll() is None:
        try:
            urlopen(url, timeout=READY_S, context=trust).close()
        except HTTPError as error:
            error.close()
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer at {url} within {limit_s:.0f} s") from None
            time.sleep(POLL_S)
            continue
        return
    raise RuntimeError(f"the server for {url} exited with code {process.returncode}")


def open_stream(
    port: int, process: subprocess.Popen[str], limit_s: float = READY_S
) -> ClientConnection:
    """Return a WebSocket to the stream of a server that may still be starting."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        try:
            return connect(f"ws://127.0.0.1:{port}/ws/v1/stream")
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
    raise AssertionError(f"no server listens on port {port} after {limit_s:.0f} s")
