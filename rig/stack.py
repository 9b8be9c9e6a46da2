"""The full stack on this machine, every part a process that can be ended, paused and started again:
PostgreSQL, Redis, web processes (daphne) and a simulation that records."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.error import URLError
from urllib.request import urlopen

from rig.databases import seeded_on
from rig.ledger import Row
from rig.processes import ROOT, free_port
from scripts.services import PostgreSQL, Redis, Service

READY_S = 60.0
END_S = 60.0
PAGE = 10_000


class Role(Service):
    """A process of PyTrade; what it writes goes to `log`."""

    def __init__(self, arguments: Sequence[str], env: dict[str, str], log: IO[bytes]) -> None:
        self._command = [sys.executable, *arguments]
        self._env = env
        self._log = log

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._env, stdout=self._log, stderr=self._log
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """End it by SIGTERM; one that does not follow is killed, and that is an error."""
        self.process.terminate()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(END_S)


class Web(Role):
    """A web process on a port of its own; started when it answers."""

    def __init__(self, port: int, env: dict[str, str], log: IO[bytes]) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        daphne = ["-m", "daphne", "--verbosity", "0", "--port", str(port)]
        super().__init__([*daphne, "pytrade.asgi:application"], env, log)

    def start(self) -> None:
        super().start()
        deadline = time.monotonic() + READY_S
        while True:
            try:
                urlopen(f"{self.url}/livez", timeout=READY_S).close()
                return
            except (URLError, ConnectionError):
                if time.monotonic() > deadline or not self.is_alive:
                    raise
                time.sleep(0.05)


class Stack:
    """PostgreSQL, Redis, `webs` web processes and a simulation of `symbols`."""

    def __init__(
        self,
        symbols: Sequence[str],
        speed: float,
        webs: int = 2,
        postgresql: PostgreSQL | None = None,
    ) -> None:
        """`postgresql`: a running server to use; None: a new one, which ends with the stack."""
        self.symbols = list(symbols)
        self._speed = speed
        self._webs = webs
        self._shared_postgresql = postgresql
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opening:
            temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            self.folder = Path(opening.enter_context(temporary))
            self.log = opening.enter_context((self.folder / "log").open("wb"))
            self.postgresql = self._shared_postgresql or opening.enter_context(
                PostgreSQL(self.folder / "postgresql")
            )
            self.redis = opening.enter_context(Redis())
            urls = {"DATABASE_URL": seeded_on(self.postgresql.url), "REDIS_URL": self.redis.url}
            self.env = os.environ | urls | {"DEBUG": "on", "PYTHONUNBUFFERED": "1"}
            self.webs = [
                opening.enter_context(Web(free_port(), self.env, self.log))
                for _ in range(self._webs)
            ]
            market = ["--speed", str(self._speed), "--instruments", *self.symbols]
            self.simulation = Role(["manage.py", "runsim", *market], self.env, self.log)
            opening.enter_context(self.simulation)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    @property
    def parts(self) -> dict[str, Service]:
        """Every part by its name."""
        webs = {f"web {n}": web for n, web in enumerate(self.webs, 1)}
        named = {"PostgreSQL": self.postgresql, "Redis": self.redis}
        return {**named, **webs, "simulation": self.simulation}

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py; return what it prints, raise where it fails."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def history(self, symbol: str) -> list[Row]:
        """Return all that is stored of `symbol`, as the API gives it."""
        rows: list[Row] = []
        while True:
            since = rows[-1][0] if rows else 0
            query = f"quotes/?since_seq={since}&limit={PAGE}"
            with urlopen(f"{self.webs[0].url}/api/v1/instruments/{symbol}/{query}") as answer:
                page = json.load(answer)["rows"]
            rows += [(seq, at, price) for seq, at, price in page]
            if len(page) < PAGE:
                return rows

    def histories(self) -> dict[str, list[Row]]:
        return {symbol: self.history(symbol) for symbol in self.symbols}

    def written(self) -> str:
        """Return what the roles have written."""
        return (self.folder / "log").read_text(errors="replace")
