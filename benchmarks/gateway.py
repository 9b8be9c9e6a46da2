"""1,000 users of five tickers behind one gateway: kills of every role, and faults of the venue.

    python -m benchmarks.gateway [--users 1000] [--seconds 40]
        [--kill gateway worker web redis venue] [--faults silent slow ...]

Each role is away for 10 s; each fault is that of `runvenue deribit`, for 60 s. Most users follow
server-sent events as browsers do, one in ten a WebSocket; they connect again where they were.
Checks that each user got every price once, and that the venue was asked once for all.
"""

import argparse
import asyncio
import time
from pathlib import Path
from typing import Final

from benchmarks import gatewayfaults
from benchmarks.gatewaysite import FETCH_S, TICKERS, Site, complete_users, prices_again, site
from benchmarks.gatewayusers import User
from benchmarks.harness import report
from rig.waiting import wait_until

AWAY_S: Final = 10.0
SETTLED_S: Final = 20.0
KILLED: Final = ("gateway", "worker", "web", "redis", "venue")


async def kill(running: Site, name: str, users: list[User]) -> dict[str, object]:
    """Kill a role, start it again after AWAY_S, and see whether all goes on."""
    service, told = running.services[name], sum(len(user.notices) for user in users)
    before = {} if name == "web" else await asyncio.to_thread(running.ends)
    await asyncio.to_thread(service.kill)
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(service.start)
    await asyncio.to_thread(running.wait_for_web)
    start = before or await asyncio.to_thread(running.ends)
    recovered_s = await prices_again(running, start)
    await asyncio.sleep(SETTLED_S)
    complete = await complete_users(running, users)
    what = f"{name} killed for {AWAY_S:.0f} s"
    return {
        f"{what}: new prices of all tickers after, s": recovered_s,
        f"{what}: users that got every price once": complete,
        f"{what}: status frames, for all users": sum(len(user.notices) for user in users) - told,
    }


async def steady(running: Site, users: list[User], seconds: float) -> dict[str, object]:
    """Measure while nothing goes wrong."""
    before, begun = await asyncio.to_thread(running.requests), time.monotonic()
    for user in users:
        user.late_ms.clear()
    await asyncio.sleep(seconds)
    sent = await asyncio.to_thread(running.requests) - before
    rounds = (time.monotonic() - begun) / FETCH_S
    late = sorted(ms for user in users for ms in user.late_ms)
    return {
        "requests to the venue per round of fetches (target: 5)": round(sent / rounds, 2),
        "from the record to the user: p50, ms": round(late[len(late) // 2], 1),
        "from the record to the user: p99, ms": round(late[int(len(late) * 0.99)], 1),
        "users that got every price once (target: all)": await complete_users(running, users),
    }


async def measure(running: Site, options: argparse.Namespace) -> dict[str, object]:
    def all_priced() -> bool:
        return len(running.ends()) == len(TICKERS)

    await asyncio.to_thread(wait_until, all_priced, "first prices", 120)
    users = [User(f"t{number}", number % 10 == 9) for number in range(options.users)]
    streams = [asyncio.create_task(user.follow(running.port)) for user in users]
    while not all(user.is_connected and len(user.seqs) == len(TICKERS) for user in users):
        await asyncio.sleep(0.5)
    found: dict[str, object] = {"users": options.users, "tickers": len(TICKERS)}
    found |= await steady(running, users, options.seconds)
    for name in options.kill:
        found |= await kill(running, name, users)
    for fault in options.faults:
        found |= await gatewayfaults.measure(running, fault, users)
    found["prices delivered"] = sum(len(each) for user in users for each in user.seqs.values())
    for stream in streams:
        stream.cancel()
    memory = await asyncio.to_thread(running.memory_mb)
    return found | {f"memory of {name}, MB": size for name, size in memory.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--kill", nargs="*", default=list(KILLED), choices=KILLED)
    every = list(gatewayfaults.FAULTS)
    parser.add_argument("--faults", nargs="*", default=every, choices=every)
    parser.add_argument("--log", type=Path, help="file for the output of all roles")
    options = parser.parse_args()
    with site(options.users, log=options.log) as running:
        name = "gateway" if options.kill else "gatewayfaults"
        report(name, asyncio.run(measure(running, options)))


if __name__ == "__main__":
    main()
