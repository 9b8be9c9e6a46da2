"""A site whose gateway is measured: PostgreSQL, Redis, and a process for each role of `make up`.

The venue is our own Deribit door, in a process of its own.
"""

import asyncio
import contextlib
import json
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final
from urllib.request import urlopen

import psutil

from benchmarks.gatewayusers import INTERVAL_S, User
from rig.processes import READY_S, environment, free_port, manage, wait_for_http
from rig.stack import Role
from rig.waiting import wait_until
from scripts.services import PostgreSQL, Redis, Service

TICKERS: Final = ("btc_usd", "btc_usdc", "eth_usd", "eth_usdc", "sol_usdc")
SYMBOLS: Final = ("BTC-PERPETUAL", "BTCUSDT", "ETHUSDT", "SOLUSDT")
FETCH_S: Final = 2
CELERY: Final = ("-m", "celery", "--app", "pytrade")
QUEUES: Final = ("-m", "celery", "--app", "pytrade.queues")
ONE_WORKER: Final = ("--pool", "threads", "--concurrency")
WEB: Final = (
    "-m", "uvicorn", "--no-proxy-headers", "--backlog", "2048", "--loop", "asyncio", "--http",
    "httptools", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--lifespan",
    "off", "--no-access-log", "--log-level", "warning", "pytrade.asgi:application", "--port",
)  # fmt: skip
OPEN_CONNECTIONS: Final = """
from django.utils import timezone
from venues.gateway.logins import digest, expiry
from venues.gateway.models import Connection, Person, PriceSubscription, PriceTicker
tickers = [PriceTicker.objects.create(name=name) for name in {tickers!r}]
now, tokens = timezone.now(), [f"t{{n}}" for n in range({users})]
persons = Person.objects.bulk_create(
    Person(fingerprint=token, account=token, last_login_at=now) for token in tokens
)
Connection.objects.bulk_create(
    Connection(digest=digest("token", token), person=person, state="open", expires_at=expiry())
    for token, person in zip(tokens, persons)
)
PriceSubscription.objects.bulk_create(
    PriceSubscription(person=person, ticker=ticker, interval_s={interval})
    for person in persons for ticker in tickers
)
"""


class Site:
    """The running roles by name; any of them may be killed and started again."""

    def __init__(
        self,
        port: int,
        env: dict[str, str],
        services: Mapping[str, Service],
        log: IO[bytes],
        venue: Sequence[str],
    ) -> None:
        self.port = port
        self.folder = Path(log.name).parent
        """With the files of the database and the log of all roles."""
        self.env = env
        self.services = {**services}
        self._roles: dict[str, Role] = {}
        self._log = log
        self._venue = venue

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        role = self.services[name] = self._roles[name] = Role(command, {**env}, self._log)
        role.start()

    def serve_venue(self, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        """Serve the venue in a new process, with more arguments and settings, and wait for it."""
        if "venue" in self._roles:
            self._roles["venue"].kill()
        self.start("venue", (*self._venue, *arguments), {**self.env, **(env or {})})
        port = int(self._venue[-1].rpartition(":")[2])
        wait_until(lambda: is_listening(port), "the venue", READY_S)

    def end(self) -> None:
        for role in self._roles.values():
            _end(role)

    def get(self, path: str) -> Any:
        with urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=60) as answer:
            return json.load(answer)

    def requests(self) -> int:
        """Return how many requests the gateway has sent to the venue."""
        return int(self.get("venues/")[0]["pool"]["requests"])

    def ends(self) -> dict[str, int]:
        """Return the newest seq of each ticker that has one."""
        symbols = {f"DERIBIT-{name.upper()}": name for name in TICKERS}
        return {
            symbols[row["symbol"]]: int(row["last_seq"])
            for row in self.get("instruments/")
            if row["symbol"] in symbols and row["last_seq"]
        }

    def times(self) -> dict[str, dict[int, int]]:
        """Return the moment of each recorded price, in ms since 1970, by ticker and seq."""
        return {
            name: {int(seq): int(at) for seq, at, _ in self._rows(f"DERIBIT-{name.upper()}")}
            for name in self.ends()
        }

    def _rows(self, symbol: str) -> list[Any]:
        return list(self.get(f"instruments/{symbol}/quotes/?since_seq=0&limit=10000")["rows"])

    def cpu_s(self, name: str) -> float:
        """Return the CPU time that a role has used."""
        used = psutil.Process(self._roles[name].pid).cpu_times()
        return float(used.user + used.system)

    def memory_mb(self) -> dict[str, float]:
        """Return the memory of each process; what processes share is divided among them."""
        found = {}
        for name, service in self.services.items():
            parent = psutil.Process(service.pid)
            tree = [parent, *parent.children(recursive=True)]
            found[name] = round(sum(each.memory_full_info().pss for each in tree) / 1e6, 1)
        return found

    def wait_for_web(self) -> None:
        web = self._roles["web"]
        wait_for_http(f"http://127.0.0.1:{self.port}/livez", web.process)


@contextlib.contextmanager
def site(
    users: int,
    fetch_s: float = FETCH_S,
    prepare: str = "",
    log: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """Run everything, with `users` who follow all TICKERS; `prepare`: code to run before.

    `log`: the file that gets the output of all roles.
    """
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        PostgreSQL(Path(folder) / "postgresql", durable=False) as database,
        Redis() as redis,
        (log or Path(folder) / "log").open("wb") as output,
        contextlib.ExitStack() as stack,
    ):
        port, venue = free_port(), free_port()
        env = environment(database.url, redis.url)
        env |= {"DERIBIT_URL": f"ws://127.0.0.1:{venue}/ws/api/v2", "DEBUG": "off"}
        env |= {"SECRET_KEY": "of-a-benchmark", "STREAM_CONNECTIONS_PER_ADDRESS": "0"}
        env |= {"DERIBIT_FETCH_S": str(fetch_s), "ALLOWED_HOSTS": "localhost,127.0.0.1"}
        env |= settings or {}
        manage("migrate", "-v0", env=env)
        manage("seedinstruments", env=env)
        code = OPEN_CONNECTIONS.format(tickers=TICKERS, users=users, interval=INTERVAL_S)
        manage("shell", "-v0", "-c", f"{code}\n{prepare}", env=env)
        commands: dict[str, Sequence[str]] = {
            "simulation": ("manage.py", "runsim", "--instruments", *SYMBOLS, "--backfill", "1m"),
            "web": (*WEB, str(port)),
            "gateway": (*CELERY, "worker", "--queues", "gateway", *ONE_WORKER, "12"),
            "worker": (*CELERY, "worker", "--concurrency", "1"),
            "beat": (*QUEUES, "beat", "--schedule", str(Path(folder) / "beat")),
            "flower": (*QUEUES, "flower", "--address=127.0.0.1", f"--port={free_port()}"),
        }
        served = ("manage.py", "runvenue", "deribit", f"127.0.0.1:{venue}")
        found = Site(port, env, {"redis": redis, "postgresql": database}, output, served)
        stack.callback(found.end)
        found.serve_venue()
        for name, command in commands.items():
            found.start(name, command, env)
        found.wait_for_web()
        yield found


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def prices_again(running: Site, start: Mapping[str, int]) -> float:
    """Wait until each ticker has a price after `start`; return for how many seconds."""

    def goes_on() -> bool:
        now = running.ends()
        return all(now[each] > start.get(each, 0) for each in TICKERS)

    began = time.monotonic()
    await asyncio.to_thread(wait_until, goes_on, "new prices of all tickers", 120)
    return round(time.monotonic() - began, 1)


async def complete_users(running: Site, users: Sequence[User]) -> int:
    """Count the users that have all that is recorded now, as soon as they could."""
    last = await asyncio.to_thread(running.ends)
    for _ in range(20):
        await asyncio.sleep(0.5)
        if all(user.reaches(last) for user in users):
            break
    times = await asyncio.to_thread(running.times)
    return sum(user.is_complete(last, times) for user in users)


def _end(role: Role) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(role.pid).children(recursive=True):
            child.kill()
    role.kill()
