"""An order of a bot that hangs in an intermediate state is found in the running product.

    python -m benchmarks.hanging [--limit 3]

Starts PostgreSQL, Redis, a web process, a simulation and `runbot`, with TRADING_HANGING_S lowered
from half an hour to `--limit` seconds. A bot quotes more lots than the market takes. Once one of
its orders has been partially filled for that long, an admin starts recovery over HTTP: the report
must name the order as hanging, and the list of reports must contain it. Exit code 0 if so.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any
from urllib.request import Request, urlopen

from rich.console import Console

from benchmarks.bots import admin_token, post
from rig.stack import Role, Stack
from rig.tradingbots import LIMITS, WantedBot, ask, create, want
from rig.venues import wait_until_live
from rig.waiting import wait_until

BOT, SYMBOL = "bot-0", "LAB0"
QUOTES: dict[str, Any] = {
    "strategy": "marketmaker",
    "symbols": [SYMBOL],
    "parameters": {"lots": 5_000, "most_lots": 50_000},
    "limits": LIMITS,
    "interval_s": 600.0,
}
"""One decision: its orders stay where they are."""
OLD = "SELECT client_id FROM trading_botorder WHERE state = 2 AND updated_at < %s"


def hanging(url: str, limit_s: float) -> list[tuple[Any, ...]]:
    """Return the partially filled orders that have not changed for that long."""
    now = ask(url, "SELECT (extract(epoch FROM clock_timestamp()) * 1e6)::bigint")
    return ask(url, OLD, int(now[0][0] - limit_s * 1e6)) if now else []


def check(stack: Stack, limit_s: float) -> Sequence[str]:
    """Return what is wrong: nothing if recovery names a hanging order."""
    url, base = stack.env["DATABASE_URL"], f"{stack.webs[0].url}/api/v1"
    create(stack, [WantedBot(name=BOT, configuration=QUOTES)])
    want(stack, [BOT], is_wanted=True)
    wait_until(lambda: hanging(url, limit_s), "an order hangs", 180)
    orders = {client_id for (client_id,) in hanging(url, limit_s)}
    token = admin_token(stack)
    ((bot,),) = ask(url, "SELECT id FROM trading_bot")
    report = post(f"{base}/trading/recovery/", {"bot": bot}, token)
    named = {each["name"] for each in report["findings"] if each["trouble"] == "hanging"}
    Console().print({"partially filled": sorted(orders), "reported": report["findings"]})
    listed = Request(f"{base}/trading/recovery/", headers={"Authorization": f"Bearer {token}"})
    with urlopen(listed, timeout=60) as answer:
        reports = answer.read().decode()
    wrong = [] if named & orders else [f"recovery names {sorted(named)}, not {sorted(orders)}"]
    is_listed = all(name in reports for name in named)
    return wrong if is_listed else [*wrong, "the report is not listed"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Orders that hang are reported.")
    parser.add_argument("--limit", type=float, default=3.0, metavar="SECONDS")
    limit_s = parser.parse_args().limit
    os.environ["TRADING_HANGING_S"] = str(limit_s)  # of the processes that are started
    with Stack([SYMBOL], 1.0, webs=1, added=[SYMBOL]) as stack:
        wait_until_live([SYMBOL], stack.env)
        with Role(["manage.py", "runbot"], stack.env, stack.log):
            wrong = check(stack, limit_s)
    for complaint in wrong:
        Console(soft_wrap=True).print(f"[red]{complaint}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
