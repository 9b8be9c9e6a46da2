"""The bots of examples/ trade in processes of their own, and know what they did."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack

import pytest
from pybit.unified_trading import HTTP

from rig.processes import ROOT
from rig.venues import door, market, wait_for_trades

pytestmark = pytest.mark.processes
SECONDS, LIMIT_S = "8", 240
BOTS = ("maker_ccxt", "momentum_pybit", "maker_pybit", "momentum_ccxt")
MARKET = {"category": "linear", "symbol": "BTCUSDT"}
FAULTS = ("lost_answers", "repeats", "latency", "rate_limits", "server_errors", "disconnects")


def started(bot, url, key, secret):
    env = {**os.environ, "BYBIT_URL": url, "BYBIT_KEY": key, "BYBIT_SECRET": secret}
    command = [sys.executable, f"examples/bybit/{bot}.py", SECONDS]
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
        return getattr(self._session, method)(**MARKET, **fields)["result"]["list"]

    def position(self):
        (row,) = self.rows("get_positions")
        return float(row["size"]) * (1 if row["side"] == "Buy" else -1)

    def executions(self):
        return len(self.rows("get_executions", limit=100))

    def statuses(self):
        return {row["orderId"]: row["orderStatus"] for row in self.rows("get_order_history")}


@pytest.fixture(scope="module")
def env():
    with market(interval_s=0.1) as env:
        yield env


def test_the_bots_end_with_the_orders_executions_and_position_of_the_exchange(env, request):
    chosen = BOTS if request.config.getoption("--long") else BOTS[:2]
    with ExitStack() as stack:
        venue = stack.enter_context(door(env))
        wait_for_trades(venue)
        keys = {bot: venue.account(bot) for bot in chosen}
        running = {bot: started(bot, venue.http, *pair) for bot, pair in keys.items()}
        reports = {bot: reported(process) for bot, process in running.items()}
        for bot, report in reports.items():
            exchange = Exchange(venue.http, *keys[bot])
            assert report["position"] == exchange.position() == 0.0, bot
            assert not exchange.rows("get_open_orders"), bot
            if "executions" in report:
                assert report["executions"] == exchange.executions(), bot
                assert len(exchange.statuses()) > 1, bot
            else:
                known = exchange.statuses()
                assert len(report["statuses"]) == len(known) == report["orders"] > 0, bot
                assert {known[order] for order in report["statuses"]} == {"Filled"}, bot


def test_the_maker_knows_what_it_did_in_spite_of_faults(env, request):
    with door(env) as venue:
        wait_for_trades(venue)
        for profile in FAULTS if request.config.getoption("--long") else FAULTS[:1]:
            trade_through(env, venue, profile)


def trade_through(env, venue, profile):
    """Let a maker trade at a door with faults; compare with what another door knows."""
    with door(env, "--faults", profile, "--seed", "7") as faulty:
        keys = venue.account(f"maker {profile}")
        report = reported(started("maker_pybit", faulty.http, *keys))
        exchange = Exchange(venue.http, *keys)
        assert report["position"] == exchange.position() == 0.0, profile
        assert report["executions"] == exchange.executions(), profile
        assert not exchange.rows("get_open_orders"), profile
        logged = faulty.log.read_text()
    assert profile in logged
    assert "fault injected" in logged
    assert keys[1] not in logged
