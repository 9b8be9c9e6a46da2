"""Servers for benchmarks: real processes on loopback, on a database of their own."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from rig.processes import ROOT, free_port, manage

READY_S = 60.0
NO_PINGS = "3600"


def environment(database_url: str, redis_url: str = "") -> dict[str, str]:
    """Return the environment of a server as in production, without limits on one address."""
    return os.environ | {
        "DEBUG": "off",
        "SECRET_KEY": "of-a-benchmark",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "STREAM_CONNECTIONS_PER_ADDRESS": "0",
        "LOG_FORMAT": "json",
    }


def make_market(folder: str | Path, symbols: list[str], name: str = "market.sqlite3") -> str:
    """Migrate a new SQLite database with these instruments; return its URL."""
    url = f"sqlite:///{Path(folder) / name}"
    env = environment(url)
    manage("migrate", "-v0", env=env)
    code = (
        "from instruments.models import Instrument as I; I.objects.bulk_create("
        f"I(symbol=s, name=s, tick_size='0.25') for s in {symbols!r})"
    )
    manage("shell", "-v0", "-c", code, env=env)
    return url


def asgi_command(server: str, port: int, application: str) -> list[str]:
    """Return how to serve an ASGI application; nothing is logged, nobody is pinged."""
    here = [sys.executable, "-m", server]
    if server == "daphne":
        quiet = ["-v", "0", "--ping-interval", NO_PINGS]
        return [*here, "-p", str(port), *quiet, application]
    quiet = ["--log-level", "error", "--ws-ping-interval", NO_PINGS]
    return [*here, "--port", str(port), "--ws", "websockets-sansio", *quiet, application]


@contextlib.contextmanager
def running(
    command: list[str], env: Mapping[str, str], stdin: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a process in this checkout; kill it on leaving."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(port: int, process: subprocess.Popen[str], path: str = "/livez") -> None:
    """Wait until the process answers HTTP with anything."""
    until = time.monotonic() + READY_S
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with exit code {process.returncode}")
        try:
            urlopen(f"http://127.0.0.1:{port}{path}", timeout=60).close()
        except URLError as error:
            if getattr(error, "code", None) is not None:
                return
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        except OSError:
            time.sleep(0.05)
        else:
            return


__all__ = ["asgi_command", "environment", "free_port", "make_market", "running", "wait_for"]
