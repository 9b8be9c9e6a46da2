"""The bots of examples/ trade in processes of their own, and know what they did."""

import json
import os
import subprocess
import sys

import pytest
from pybit.unified_trading import HTTP

from rig.processes import ROOT
from rig.venues import door, wait_for_trades

pytestmark = pytest.mark.processes
SECONDS, LIMIT_S = "8", 240
CONSTANT = ("latency", "clock_skew")
"""Faults that are there all the time, and not logged one by one."""
ATTEMPTS = 12
"""Runs of a bot until it trades or meets a fault: on a busy machine it does little in each."""
BOTS = ("momentum_pybit", "maker_ccxt", "maker_pybit", "momentum_ccxt")
MARKET = {"category": "linear", "symbol": "BTCUSDT"}
FAULTS = ("lost_answers", "repeats", "latency", "rate_limits", "server_errors")
BOOK_FAULTS = {
    "stale_book": SECONDS,
    "disconnects": SECONDS,
    "clock_skew": SECONDS,
    "maintenance": "24",
    "silent": "24",
    "garbage": SECONDS,
}
"""Faults for the maker that reads the book itself, and how long it meets them: a closure too."""


def started(bot, url, key, secret, seconds=SECONDS):
    env = {**os.environ, "BYBIT_URL": url, "BYBIT_KEY": key, "BYBIT_SECRET": secret}
    command = [sys.executable, f"examples/bybit/{bot}.py", seconds]
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def reported(process):
    """Return what a bot printed last."""
    output, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, errors[-2000:]
    return json.loads(output.splitlines()[-1])


class Exchange:
    """What the exchange knows of an account."""

    def __init__(self, url, key, secret):
        self._session = HTTP(api_key=key, api_secret=secret)
        self._session.endpoint = url

    def rows(self, method, **fields):
        """Return the rows of all pages."""
        rows, cursor = [], ""
        while True:
            page = getattr(self._session, method)(**MARKET, **fields, cursor=cursor)["result"]
            rows += page["list"]
            cursor = page["nextPageCursor"]
            if not cursor:
                return rows

    def position(self):
        (row,) = self.rows("get_positions")
        return float(row["size"]) * (1 if row["side"] == "Buy" else -1)

    def executions(self):
        return len(self.rows("get_executions", limit=100))

    def orders(self):
        """Return the orders that have ended."""
        return self.rows("get_order_history", limit=50)


def test_bots_end_with_the_orders_executions_and_position_of_the_exchange(env, request):
    """Makers meet faults: a door beside the others injects them."""
    is_long = request.config.getoption("--long")
    bots = BOTS if is_long else BOTS[:2]
    profiles = (*FAULTS, *BOOK_FAULTS) if is_long else FAULTS[:1]
    with door(env, accounts=[*bots, *profiles]) as venue:
        wait_for_trades(venue)
        running = {bot: started(bot, venue.http, *venue.accounts[bot]) for bot in bots}
        for profile in profiles:
            compare(venue, profile, report_through(venue, profile))
        for bot, process in running.items():
            compare(venue, bot, report_of_trades(venue, bot, process))


def report_of_trades(venue, bot, process):
    """Return the report of a bot, run again if the market gave it no reason to trade."""
    exchange = Exchange(venue.http, *venue.accounts[bot])
    for _ in range(ATTEMPTS):
        report = reported(process)
        if exchange.orders():
            return report
        process = started(bot, venue.http, *venue.accounts[bot])
    pytest.fail(f"{bot}: no order in {ATTEMPTS} runs; the last: {reported(process)}")


def report_through(venue, profile):
    """Return the report of a maker that trades at a door with faults, beside that of `venue`."""
    bot = "maker_book" if profile in BOOK_FAULTS else "maker_pybit"
    seconds, (key, secret) = BOOK_FAULTS.get(profile, SECONDS), venue.accounts[profile]
    exchange, links = Exchange(venue.http, key, secret), []
    with door(venue.env, "--faults", profile, "--seed", "7", accounts=()) as faulty:
        for _ in range(ATTEMPTS):
            report = reported(started(bot, faulty.http, key, secret, seconds))
            links += report["links"]
            logged = faulty.log.read_text()
            has_met_it = "fault injected" in logged or profile in CONSTANT
            if has_met_it and exchange.orders():
                break
        else:
            pytest.fail(f"{profile}: no fault or no order in {ATTEMPTS} runs")
    assert profile in logged
    assert secret not in logged
    assert report.get("holes") or profile != "stale_book"
    assert report.get("waits") or profile not in ("clock_skew", "maintenance", "silent")
    return report | {"links": links}


def compare(venue, account, report):
    """Compare what a bot believes with what the exchange knows."""
    exchange = Exchange(venue.http, *venue.accounts[account])
    assert report["position"] == exchange.position() == 0.0, account
    assert not exchange.rows("get_open_orders"), account
    known = {row["orderId"]: row["orderStatus"] for row in exchange.orders()}
    if "executions" in report:
        assert report["executions"] == exchange.executions(), account
        links = sorted(row["orderLinkId"] for row in exchange.orders())
        assert links == sorted(report["links"]), account
        assert links, account
    else:
        assert len(report["statuses"]) == len(known) == report["orders"] > 0, account
        assert {known[order] for order in report["statuses"]} == {"Filled"}, account
