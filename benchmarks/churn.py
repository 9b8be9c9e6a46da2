"""What 10,000 clients leave behind that connect, subscribe and go.

    python -m benchmarks.churn

How they go: rig/visits.py. Ticks flow meanwhile.
"""

import contextlib
import sys
import tempfile
import time

from benchmarks.harness import report
from rig.census import deserted, left_behind, settled
from rig.servers import asgi_command, environment, free_port, make_market, running, wait_for
from rig.visits import AT_ONCE, churn
from scripts.services import Redis

CLIENTS = 10_000
WARM_UP = 2_000
SYMBOLS = ["ES", "NQ"]


def measure(server: str, folder: str) -> dict[str, object]:
    port = free_port()
    env = environment(make_market(folder, SYMBOLS, f"{server}.sqlite3"))
    with contextlib.ExitStack() as stack:
        env |= {"REDIS_URL": stack.enter_context(Redis()).url}
        command = asgi_command(server, port, "rig.census:application")
        process = stack.enter_context(running(command, env))
        market = [sys.executable, "manage.py", "runsim", "--speed", "10", "--instruments"]
        stack.enter_context(running([*market, *SYMBOLS], env))
        wait_for(port, process)
        churn(port, AT_ONCE)
        before = deserted(port)
        churn(port, WARM_UP)
        warm = settled(port, before)
        started = time.monotonic()
        churn(port, CLIENTS)
        took = time.monotonic() - started
        after = settled(port, before)
    return {
        f"{server}: clients": CLIENTS,
        f"{server}: clients/s": round(CLIENTS / took),
        f"{server}: left behind": left_behind(before, after) or "nothing",
        f"{server}: memory after warm-up, MB": round(warm["memory"] / 1e6, 1),
        f"{server}: memory at the end, MB": round(after["memory"] / 1e6, 1),
        f"{server}: growth": f"{after['memory'] / warm['memory'] - 1:.1%}",
    }


def main() -> None:
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        for server in ("uvicorn", "daphne"):
            figures |= measure(server, folder)
    report("churn", figures)


if __name__ == "__main__":
    main()
