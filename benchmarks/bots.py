"""Twenty bots on twenty instruments for an hour of simulated time, then the kill switch.

    python -m benchmarks.bots [--minutes 6] [--bots 20]

Starts PostgreSQL, Redis, a web process, a simulation at ten times the speed of time, and `runbot`,
which has all bots (MARKET_RUNS_BOTS=off). They follow both strategies and trade in accounts of
their own. Then an admin throws the kill switch of all bots over HTTP, with a token: measured is the
time from the request until the exchange has no open order and no position of any bot. Afterwards
all books of the bots must equal the exchange's, and the audit must pass. Exit code 0 if so; runs of
6 minutes are written to benchmarks/results.
"""

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any
from urllib.request import Request, urlopen

from rich.console import Console

from benchmarks.harness import report
from rig.faults import audit
from rig.stack import Role, Stack
from rig.tradingbots import (
    STRATEGIES,
    WantedBot,
    ask,
    configuration,
    create,
    have_ended,
    recover,
    want,
)
from rig.tradingchecks import counts, differences, funding_differences
from rig.venues import wait_until_live
from rig.waiting import wait_until

SPEED = 10.0
INTERVAL_S = 0.5
RECORD_MINUTES = 6.0
PASSWORD = "correct-horse-battery"  # of a user in a database that is dropped
ADMIN = f"""
from django.contrib.auth.models import User
User.objects.create_superuser("admin", password="{PASSWORD}")
"""
OPEN = """
    SELECT (SELECT count(*) FROM exchange_order o JOIN exchange_account a ON a.id = o.account_id
            WHERE a.name LIKE 'bot-%%' AND o.state IN (0, 1, 2)),
           (SELECT count(*) FROM exchange_position p JOIN exchange_account a ON a.id = p.account_id
            WHERE a.name LIKE 'bot-%%' AND p.lots <> 0)"""


def post(url: str, body: dict[str, Any], token: str = "") -> Any:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = Request(url, json.dumps(body).encode(), headers)
    return json.load(urlopen(request, timeout=60))


def admin_token(stack: Stack) -> str:
    """Create an admin and log in; return an access token."""
    stack.manage("shell", "-v0", "-c", ADMIN)
    credentials = {"username": "admin", "password": PASSWORD}
    return str(post(f"{stack.webs[0].url}/api/v1/auth/token/", credentials)["access"])


def kill(stack: Stack) -> dict[str, object]:
    """Throw the kill switch of all bots; return how long it took."""
    base, token = f"{stack.webs[0].url}/api/v1", admin_token(stack)
    url = stack.env["DATABASE_URL"]
    before, answered = ask(url, OPEN)[0], list[tuple[float, Any]]()
    begun = time.perf_counter()

    def click() -> None:
        answer = post(f"{base}/trading/kill/", {"reason": "benchmark"}, token)
        answered.append((time.perf_counter() - begun, answer))

    clicking = threading.Thread(target=click)
    clicking.start()
    wait_until(lambda: ask(url, OPEN) == [(0, 0)], "nothing is open", 120)
    took = time.perf_counter() - begun
    clicking.join()
    return {
        "open orders, positions before the kill switch": f"{before[0]}, {before[1]}",
        "click to nothing open s": round(took, 2),
        "click to answer s": round(answered[0][0], 2),
        "left by the answer": str(answered[0][1]["left"] or "nothing"),
    }


def trade(stack: Stack, names: Sequence[str], seconds: float) -> dict[str, object]:
    bots = [
        WantedBot(
            name=name,
            configuration=configuration(
                STRATEGIES[n % len(STRATEGIES)], [stack.symbols[n]], INTERVAL_S
            ),
        )
        for n, name in enumerate(names)
    ]
    create(stack, bots)
    want(stack, names, is_wanted=True)
    time.sleep(seconds)
    found = kill(stack)
    want(stack, names, is_wanted=False)
    wait_until(lambda: have_ended(stack.env["DATABASE_URL"], names), "the bots end", 120)
    return {**counts(stack.env["DATABASE_URL"], "bot-"), **found}


def main() -> int:
    parser = argparse.ArgumentParser(description="Many bots, and the kill switch.")
    parser.add_argument("--minutes", type=float, default=RECORD_MINUTES)
    parser.add_argument("--bots", type=int, default=20)
    options = parser.parse_args()
    os.environ["MARKET_RUNS_BOTS"] = "off"  # of the processes that are started
    names = [f"bot-{n}" for n in range(options.bots)]
    symbols = [f"LAB{n}" for n in range(options.bots)]
    with Stack(symbols, SPEED, webs=1, added=symbols) as stack:
        wait_until_live(symbols, stack.env)
        with Role(["manage.py", "runbot"], stack.env, stack.log):
            found = trade(stack, names, options.minutes * 60)
        complaints = [] if found["orders"] else ["the bots sent no orders"]
        if left := recover(stack, names):
            complaints.append(f"recovery leaves {left} findings")
        complaints += funding_differences(stack.env["DATABASE_URL"], names)
        complaints += differences(stack.env["DATABASE_URL"])
        stack.simulation.stop()
        complaints += audit(stack)
    figures = {
        "bots, instruments": options.bots,
        "simulated minutes": round(options.minutes * SPEED),
        **found,
        "differences": len(complaints),
        "load average": round(os.getloadavg()[0], 1),
    }
    if options.minutes >= RECORD_MINUTES and found["orders"]:
        report("bots", figures)
    else:
        Console().print(figures)
    for complaint in complaints:
        Console(soft_wrap=True).print(f"[red]{complaint}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
