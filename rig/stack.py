"""The full stack as local processes that tests can stop, kill, pause and restart.

PostgreSQL, Redis, web processes and a recording simulation.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Self
from urllib.request import urlopen

from rig.databases import seeded_on
from rig.processes import ROOT, free_port, wait_for_http, web_process
from rig.tickledger import Row
from rig.venues import add_instruments
from scripts.services import PostgreSQL, Redis, Service

END_S = 60.0
PAGE = 10_000


class Role(Service):
    """A PyTrade process; its output goes to `log`."""

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
        """Send SIGTERM; kill the process and raise TimeoutExpired if it does not exit in END_S."""
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
    """A web process on its own port; `start` returns when it answers requests."""

    def __init__(self, port: int, env: dict[str, str], log: IO[bytes]) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(web_process(port), env, log)

    def start(self) -> None:
        super().start()
        wait_for_http(f"{self.url}/livez", self.process)


class Stack:
    """PostgreSQL, Redis, `webs` web processes and a simulation of `symbols`."""

    def __init__(
        self,
        symbols: Sequence[str],
        speed: float,
        webs: int = 2,
        postgresql: PostgreSQL | None = None,
        added: Sequence[str] = (),
    ) -> None:
        """`postgresql`: a running server to use; None: start one that stops with the stack.

        `added`: instruments with a book beside those of the seed list.
        """
        self.symbols = list(symbols)
        self._speed = speed
        self._webs = webs
        self._shared_postgresql = postgresql
        self._added = list(added)
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
            add_instruments(self._added, self.env)
            self.webs = [
                opening.enter_context(Web(free_port(), self.env, self.log))
                for _ in range(self._webs)
            ]
            market = ["--speed", str(self._speed), "--instruments", *self.symbols]
            self.simulation = Role(["manage.py", "runsim", *market], self.env, self.log)
            opening.enter_context(self.simulation)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def services(self) -> dict[str, Service]:
        """All services by name."""
        webs = {f"web {n}": web for n, web in enumerate(self.webs, 1)}
        named = {"PostgreSQL": self.postgresql, "Redis": self.redis}
        return {**named, **webs, "simulation": self.simulation}

    def manage(self, *arguments: str) -> str:
        """Run a manage.py command and return its output; raise CalledProcessError if it fails."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def history(self, symbol: str) -> list[Row]:
        """Return the stored ticks of `symbol`, read through the REST API."""
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
        """Return the combined output of all roles."""
        return (self.folder / "log").read_text(errors="replace")
