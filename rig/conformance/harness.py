"""ccxt's own test harness of exchanges, run against the door.

It refuses to run from site-packages, so its package is copied to a folder of its own.
"""

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import ccxt

from rig.conformance import fundedtests
from rig.venues import Venue

LIMIT_S: Final = 600
ACT_EVERY_S: Final = 0.5
LANES: Final[Mapping[str, tuple[str, ...]]] = {
    "REST": ("--sync", "--private"),
    "streams": ("--ws", "--private"),
}
TRADING: Final = "orders"
TRADING_OPTIONS: Final = ("--sync", "--privateOnly", "--fundedTests")
TRADER: Final = "trader"
"""The account of the lane TRADING, with which nobody else may trade."""


@dataclass(frozen=True)
class Exchange:
    """What the harness tests: an exchange of ccxt, and what points it to a door."""

    id: str
    symbol: str
    settings: Callable[[Venue], dict[str, Any]]
    exceptions: Mapping[str, str | Mapping[str, str]]
    """Tests, or fields of theirs, that are left out, and why."""
    has_trading: bool = False
    """Whether the test of orders runs, too."""


@dataclass
class Lane:
    """What one run of the harness tested."""

    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def run(exchange: Exchange, venue: Venue, folder: Path, lane: str, act: Callable[[], Any]) -> Lane:
    """Run one lane; meanwhile do something with the account, which private streams wait for."""
    done = threading.Event()
    acting = threading.Thread(target=repeated, args=(act, done), daemon=True)
    acting.start()
    try:
        return called(exchange, venue, folder, (*LANES[lane], exchange.id, exchange.symbol))
    finally:
        done.set()
        acting.join()


def run_trading(exchange: Exchange, venue: Venue, folder: Path) -> Lane:
    """Run the test of orders with an account of its own."""
    alone = replace(venue, accounts={TRADER: venue.accounts[TRADER]})
    return called(exchange, alone, folder, (*TRADING_OPTIONS, exchange.id, "createOrder()"))


def called(exchange: Exchange, venue: Venue, folder: Path, arguments: Sequence[str]) -> Lane:
    root = prepared(exchange, venue, folder)
    output = subprocess.run(
        [sys.executable, "tests_init.py", *arguments],
        cwd=root / "ccxt" / "test",
        env={**venue.env, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return parsed(exchange.id, output.stdout + output.stderr)


def prepared(exchange: Exchange, venue: Venue, folder: Path) -> Path:
    """Copy ccxt and write the files that configure its harness; return the folder to import."""
    root = folder / "py"
    if not root.exists():
        shutil.copytree(Path(ccxt.__file__).parent, root / "ccxt")
        fundedtests.correct(root / "ccxt" / "test" / "exchange")
    found = exchange.settings(venue)
    found |= {"has": {"spot": False, "future": False, "option": False}}
    (folder / "keys.json").write_text(json.dumps({exchange.id: found}))
    (folder / "skip-tests.json").write_text(
        json.dumps({exchange.id: {"skipMethods": dict(exchange.exceptions)}})
    )
    return root


def repeated(act: Callable[[], Any], done: threading.Event) -> None:
    while not done.wait(ACT_EVERY_S):
        act()


def parsed(name: str, output: str) -> Lane:
    """Return what the harness printed about each of its tests."""
    lane = Lane()
    lane.passed = list(dict.fromkeys(re.findall(rf"TESTING DONE\s+{name} (\w+)", output)))
    for test, text in re.findall(
        rf"\[TEST_FAILURE\] {name} (\w+)(.*?)(?=\n\[|\Z)", output, re.DOTALL
    ):
        if test not in ("PUBLIC_TESTS", "PRIVATE_TESTS"):
            reasons = [line for line in text.splitlines() if re.match(r"[\w.]*Error: ", line)]
            lane.failed[test] = (reasons[-1] if reasons else text.strip())[:600]
    if not lane.passed and not lane.failed:
        lane.failed["the harness"] = output.strip()[-300:]
    return lane
