"""`make up` runs the full stack, restarts roles that exit, and leaves no process behind."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest
from playwright.sync_api import Browser, Page

from orderflow.tests.naivebars import Trade, bars_of
from rig.chromium import wait_in_page, watched_page
from rig.processes import ROOT, free_port, open_stream
from rig.waiting import wait_until
from scripts.keeping import Keeper
from scripts.services import PostgreSQL, Redis
from scripts.sessions import members
from scripts.up import services

pytestmark = pytest.mark.processes
LIMIT_S = 90.0
TICK_SIZE = 0.25
ROLES = ("simulation", "worker", "gateway", "beat")
BARS = 'await import("/static/js/orderflow/orderflow.js").then(({ chart }) => chart.series.candles)'
UNAVAILABLE = ("Failed to load resource", "WebSocket connection to")
"""What Chromium logs while a web process is down."""
SLEEPERS = """
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=%(ENV_UP_DATA)s/supervisord.pid
[program:sleeper]
command=sh -c 'sleep 1000 & sleep 1000'
"""


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder)


class Up:
    """A running `python -m scripts.up`."""

    def __init__(self, data: Path, *options: str) -> None:
        self.port = free_port()
        self.log = data / "log"
        self._data = data
        named = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")  # of the tests
        env = {name: value for name, value in os.environ.items() if name not in named}
        self._command = [sys.executable, "-m", "scripts.up", "--data", str(data), *options]
        self._env = env | {"DEBUG": "on", "RUNSIM_OPTIONS": "--backfill 30m --instruments ES NQ"}
        with self.log.open("w") as output:
            self.front = subprocess.Popen(
                [*self._command, "--address", f"127.0.0.1:{self.port}"],
                cwd=ROOT,
                env=self._env,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # Ctrl-C of a terminal goes to its group
            )

    def again(self) -> subprocess.CompletedProcess[str]:
        command = [*self._command, "--address", f"127.0.0.1:{free_port()}"]
        return subprocess.run(
            command, cwd=ROOT, env=self._env, capture_output=True, text=True, timeout=60
        )

    def postgresql(self) -> psutil.Process:
        pid = (self._data / "postgresql" / "postmaster.pid").read_text().split()[0]
        return psutil.Process(int(pid))

    def redis(self) -> psutil.Process:
        (stack,) = psutil.Process(self.front.pid).children()
        (redis,) = (each for each in stack.children() if each.name().startswith("redis"))
        return redis

    def processes(self) -> list[psutil.Process]:
        """Return all processes, including those of PostgreSQL, which have another parent."""
        of_postgresql = self.postgresql()
        front = psutil.Process(self.front.pid)
        families = [front.children(recursive=True), of_postgresql.children(recursive=True)]
        return [front, of_postgresql, *families[0], *families[1]]

    def process(self, *words: str) -> psutil.Process:
        """Wait for the descendant whose command line contains all of `words`, and return it."""
        return wait_until(lambda: self._find(words), f"process with {words} in its command line")

    def _find(self, words: tuple[str, ...]) -> psutil.Process | None:
        for found in psutil.Process(self.front.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if all(word in found.cmdline() for word in words):
                    return found
        return None

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.log.read_text() or self.front.poll() is not None, text)
        assert text in self.log.read_text()


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if is_alive(one)]


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextlib.contextmanager
def up(data: Path, *options: str) -> Iterator[Up]:
    stack = Up(data, *options)
    try:
        yield stack
    finally:
        stack.front.terminate()
        stack.front.wait(LIMIT_S)


def next_ticks(stack: Up) -> None:
    """Subscribe to an instrument and wait for live ticks."""
    with open_stream(stack.port, stack.front) as stream:
        stream.send(json.dumps({"op": "subscribe", "args": ["quotes.ES"]}))
        types = [json.loads(stream.recv(timeout=60)).get("type") for _ in range(5)]
    assert types[-2:] == ["ticks"] * 2


def read(stack: Up, path: str) -> list[Any]:
    """Return the rows of a table of ES, once the database can be reached."""
    address = f"http://127.0.0.1:{stack.port}/api/v1/instruments/ES/{path}"
    found = wait_until(lambda: answer_of(address), f"an answer of {address}", limit_s=LIMIT_S)
    rows: list[Any] = found["rows"]
    return rows


def answer_of(address: str) -> dict[str, Any] | None:
    """Return the JSON at an address, None while the service is unavailable."""
    try:
        with urlopen(address, timeout=LIMIT_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except HTTPError as error:
        error.close()
        if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        return None


def wait_for_more_trades(stack: Up, page: Page) -> None:
    """Wait until the bars of the order-flow page include 20 trades that are not there yet."""
    (newest,) = read(stack, "footprint/?limit=1")
    has_trade = f"async (seq) => ({BARS}).at(-1)?.lastSeq >= seq"
    wait_in_page(page, has_trade, newest[-1] + 20, limit_s=2 * LIMIT_S)


def check_bars(stack: Up, page: Page) -> None:
    """Fail unless the newest bars of the page are those of the recorded trades."""
    shown: list[dict[str, Any]] = page.evaluate(f"async () => ({BARS}).slice(-10)")
    rows = read(stack, f"trades/?start={shown[0]['openedAt']}&limit=10000")
    trades: list[Trade] = [
        (seq, at, round(price / TICK_SIZE), round(quantity), side)
        for seq, at, price, quantity, side in rows
        if seq <= shown[-1]["lastSeq"]
    ]
    wanted = bars_of(trades, 60_000, 1)
    assert len(wanted) == 10
    assert [{name: bar[name] for name in wanted[0]} for bar in shown] == wanted


def test_stack_restarts_roles_rejects_second_instance_and_stops_on_ctrl_c(
    data: Path, browser: Browser
) -> None:
    with up(data) as stack, watched_page(browser, *UNAVAILABLE) as page:
        next_ticks(stack)
        page.goto(f"http://127.0.0.1:{stack.port}/instruments/ES/orderflow/?step=1")
        wait_for_more_trades(stack, page)
        second = stack.again()
        assert second.returncode == 1
        assert (
            f"already running in this checkout: pid {stack.front.pid}, http://127.0.0.1:{stack.port}"
            in second.stderr
        )
        assert len(second.stderr.splitlines()) == 1

        stack.process("pytrade.asgi:application", str(stack.port)).kill()
        stack.wait_for(f"exited: web-{stack.port} (terminated by SIGKILL")
        next_ticks(stack)
        stack.process("runsim").kill()
        stack.wait_for("exited: simulation (terminated by SIGKILL")
        stack.process("runsim")
        for name, process in (("Redis", stack.redis()), ("PostgreSQL", stack.postgresql())):
            process.kill()
            stack.wait_for(f"{name} runs again")
            wait_for_more_trades(stack, page)
        check_bars(stack, page)
        with pytest.raises(HTTPError) as not_found:  # a web process logs nothing but faults
            urlopen(f"http://127.0.0.1:{stack.port}/nowhere/", timeout=60)
        not_found.value.close()

        processes = stack.processes()
        assert len(alive(processes)) > 10
        os.killpg(stack.front.pid, signal.SIGINT)
        assert stack.front.wait(LIMIT_S) == 0, stack.log.read_text()
        wait_until(lambda: not alive(processes), "all processes exited")
    text = stack.log.read_text()
    of_celery = ("worker ", "gateway ", "beat ")  # logs the loss of Redis with a traceback
    lines = text.splitlines()
    assert [x for x in lines if "Traceback" in x and not x.startswith(of_celery)] == []
    assert re.findall("exited: (worker|gateway|beat)", text) == []
    for role in (f"web-{stack.port}", *ROLES):
        assert f"\n{role:11} | " in text
        assert f"stopped: {role} " in text


@pytest.mark.parametrize("victim", ["front", "stack", "supervisor"])
def test_no_process_outlives_a_killed_supervisor(data: Path, victim: str) -> None:
    roles = data / "sleepers.conf"
    roles.write_text(SLEEPERS)
    with up(data, "--roles", str(roles)) as running:
        running.wait_for("spawned: 'sleeper'")
        running.process("sleep")
        processes = running.processes()
        front = processes[0]
        (stack,) = front.children()
        supervisor = running.process("--configuration")
        {"front": front, "stack": stack, "supervisor": supervisor}[victim].kill()
        wait_until(lambda: not alive(processes), "all processes exited")
        assert members(stack.pid, set()) == []
        assert running.front.wait(LIMIT_S) != 0
    assert "Traceback" not in running.log.read_text()


def test_port_in_use_is_reported_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [
            sys.executable,
            "-m",
            "scripts.up",
            "--data",
            str(tmp_path),
            "--address",
            address,
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(f"cannot listen on {address}: ")
    assert not (tmp_path / "postgresql").exists()


def test_redis_started_again_is_no_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends all processes of the session but these; Redis must end after the roles."""
    monkeypatch.setenv("REDIS_URL", "")
    with services(None) as own:
        (first,) = own() - {os.getpid()}
        os.kill(first, signal.SIGKILL)
        (second,) = wait_until(lambda: own() - {os.getpid(), first}, "Redis runs again")
        assert psutil.Process(second).name().startswith("redis")


def test_services_are_kept_although_one_look_failed() -> None:
    class Briefly(Redis):
        looks = 0

        @property
        def is_alive(self) -> bool:
            self.looks += 1
            if self.looks == 1:
                raise FileNotFoundError("postmaster.pid")  # PostgreSQL removes it as it ends
            return super().is_alive

    with Briefly() as redis, Keeper({"Redis": redis}):
        first = redis.pid
        redis.kill()
        wait_until(lambda: redis.pid != first and redis.is_alive, "Redis runs again")


def test_postgresql_already_running_is_left_running(postgresql: PostgreSQL) -> None:
    with PostgreSQL(postgresql.folder) as second:
        assert second.pid == postgresql.pid
    assert psutil.Process(postgresql.pid).is_running()


def test_make_up_passes_address_and_web_count() -> None:
    command = ["make", "--dry-run", "up", "ADDRESS=127.0.0.1:9000", "WEB=2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "-m scripts.up --address 127.0.0.1:9000 --web 2" in done.stdout
