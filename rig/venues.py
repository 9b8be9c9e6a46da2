"""A market and the door of a venue in processes of their own, for unmodified clients."""

import contextlib
import json
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from rig.databases import copy_of_seeds
from rig.processes import background, environment, free_port, manage, wait_for_http
from scripts.services import Redis

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
READY_S = 180.0
PROBES = {
    "bybit": "/v5/market/time",
    "deribit": "/api/v2/public/get_time",
}
"""A path of each venue that answers as soon as the door serves."""
TRADES = {
    "bybit": (f"/v5/market/recent-trade?category=linear&symbol={SYMBOLS[0]}", "list"),
    "deribit": (
        "/api/v2/public/get_last_trades_by_instrument?instrument_name=BTC_USDC-PERPETUAL",
        "trades",
    ),
}
"""Where each venue lists recent trades, and the member that holds them."""


@dataclass(frozen=True)
class Venue:
    """A door that serves; `http` and `ws` are where its paths begin, e.g. {http}/v5/market/time."""

    port: int
    accounts: dict[str, tuple[str, str]]
    """Key and secret of each account, by name."""
    env: dict[str, str]
    folder: Path
    log: Path
    """What the door has logged."""
    pid: int
    scheme: str = "http"
    name: str = "bybit"

    @property
    def http(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"{self.scheme.replace('http', 'ws')}://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        """The key of the first account."""
        return next(iter(self.accounts.values()))[0]

    @property
    def secret(self) -> str:
        return next(iter(self.accounts.values()))[1]


@contextlib.contextmanager
def market(
    interval_s: float = 0.25,
    factor: float = 0.0,
    symbols: Sequence[str] = SYMBOLS,
) -> Iterator[dict[str, str]]:
    """Run Redis and a simulation with books; yield the environment of its processes.

    `factor` scales the limits of the doors, 0: none. Symbols that do not exist are added.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, Redis() as redis:
        database = Path(folder) / "market.sqlite3"
        copy_of_seeds(database)
        env = environment(f"sqlite:///{database}", redis.url)
        env |= {"BYBIT_LIMIT_FACTOR": str(factor), "DERIBIT_LIMIT_FACTOR": str(factor)}
        env |= {"LOG_FORMAT": "json"}
        add_instruments(symbols, env)
        command = [sys.executable, "manage.py", "runsim", "--interval", str(interval_s)]
        command += ["--backfill", "2m", "--instruments", *symbols]
        with background(command, env):
            wait_until_live(symbols, env)
            yield env


def add_instruments(symbols: Sequence[str], env: dict[str, str]) -> None:
    """Add the perpetuals that the seed list does not have."""
    if missing := [symbol for symbol in symbols if symbol not in SYMBOLS]:
        code = (
            "from instruments.models import Instrument as I; I.objects.bulk_create([I(symbol=s, "
            "name=s, tick_size='0.01', lot_size='0.1', currency='USDT', has_book=True) "
            f"for s in {missing!r}], ignore_conflicts=True)"
        )
        manage("shell", "-v0", "-c", code, env=env)


@contextlib.contextmanager
def door(
    env: dict[str, str],
    *options: str,
    accounts: Sequence[str] = ("bot",),
    authority: Path | None = None,
    name: str = "bybit",
) -> Iterator[Venue]:
    """Run the door of a venue beside a market, and open accounts that pay Bybit's fees.

    `options`: of runvenue; with `--tls`, the certificate's `authority`.
    """
    scheme = "http" if authority is None else "https"
    trust = None if authority is None else ssl.create_default_context(cafile=authority)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        port, log = free_port(), Path(folder) / "log"
        command = [sys.executable, "manage.py", "runvenue", name, f"127.0.0.1:{port}", *options]
        opened = open_accounts(accounts, env)
        with log.open("w") as output, background(command, env, output=output.fileno()) as process:
            wait_for_http(f"{scheme}://127.0.0.1:{port}{PROBES[name]}", process, trust)
            yield Venue(port, opened, env, Path(folder), log, process.pid, scheme, name)


def open_accounts(names: Sequence[str], env: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Open accounts with 100,000 USDT each, in one process; return keys and secrets."""
    code = (
        "import json\n"
        "from exchange.accounts.opening import create_key, open_account\n"
        "made = {}\n"
        f"for name in {list(names)!r}:\n"
        "    account = open_account(name=name, balance=10**13, fees='bybit')\n"
        "    new = create_key(account)\n"
        "    made[name] = new.key.key, new.secret\n"
        "print(json.dumps(made))\n"
    )
    if not names:
        return {}
    found = json.loads(manage("shell", "-v0", "-c", code, env=env).splitlines()[-1])
    return {name: (key, secret) for name, (key, secret) in found.items()}


def wait_until_live(symbols: Sequence[str], env: dict[str, str]) -> None:
    """Wait until orders are accepted in all books; raise TimeoutError."""
    code = (
        "import time\n"
        "from exchange.accounts.readiness import why_closed\n"
        "from instruments.models import Instrument\n"
        f"found = Instrument.objects.filter(symbol__in={list(symbols)!r})\n"
        f"until = time.monotonic() + {READY_S}\n"
        "while any(why_closed(each) for each in found) and time.monotonic() < until:\n"
        "    time.sleep(0.1)\n"
        "print(any(why_closed(each) for each in found))\n"
    )
    if manage("shell", "-v0", "-c", code, env=env).split()[-1] != "False":
        raise TimeoutError(f"the books are not live after {READY_S:.0f} s")


def wait_for_trades(venue: Venue, count: int = 5) -> None:
    """Wait until something has traded at the door of a venue; raise TimeoutError."""
    path, rows = TRADES[venue.name]
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        found = json.load(urlopen(f"{venue.http}{path}", timeout=20))
        if len(found["result"][rows]) >= count:
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing trades at {venue.http}")
