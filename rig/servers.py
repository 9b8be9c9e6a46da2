"""Server processes for benchmarks, on loopback and each with its own database."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rig.databases import copy_of_instruments
from rig.processes import background, free_port, wait_for_http

NO_PINGS = "3600"


def environment(database_url: str, redis_url: str = "") -> dict[str, str]:
    """Return a production environment, without the limit on connections per address."""
    return os.environ | {
        "DEBUG": "off",
        "SECRET_KEY": "of-a-benchmark",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "STREAM_CONNECTIONS_PER_ADDRESS": "0",
        "LOG_FORMAT": "json",
    }


def make_market(folder: str | Path, symbols: list[str], name: str = "market.sqlite3") -> str:
    """Create and migrate a SQLite database with these instruments; return its URL."""
    path = Path(folder) / name
    copy_of_instruments(symbols, path)
    return f"sqlite:///{path}"


def asgi_command(server: str, port: int, application: str) -> list[str]:
    """Return the command that serves an ASGI application, without logs or WebSocket pings."""
    here = [sys.executable, "-m", server]
    if server == "daphne":
        quiet = ["-v", "0", "--ping-interval", NO_PINGS]
        return [*here, "-p", str(port), *quiet, application]
    quiet = ["--log-level", "error", "--ws-ping-interval", NO_PINGS]
    return [
        *here,
        "--port",
        str(port),
        "--loop",
        "asyncio",
        "--ws",
        "websockets-sansio",
        *quiet,
        application,
    ]


def running(
    command: list[str], env: Mapping[str, str], stdin: int | None = None
) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    """Run a process in this checkout without output, and kill it on exit."""
    return background(command, env, stdin=stdin)


def wait_for(port: int, process: subprocess.Popen[str], path: str = "/livez") -> None:
    """Wait until the process answers HTTP requests, with any status."""
    wait_for_http(f"http://127.0.0.1:{port}{path}", process)


__all__ = ["asgi_command", "environment", "free_port", "make_market", "running", "wait_for"]
