"""1,000 users of five tickers behind one gateway; gateway, web, Redis and venue are killed in turn.

    python -m benchmarks.gateway [--users 1000] [--seconds 40] [--kill gateway web redis venue]

Each is away for 10 s. The users follow server-sent events as browsers do: they connect again, with
Last-Event-ID. Checks that each user got every price once, and that the venue was asked once for
all.
"""

import argparse
import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.gatewaysite import FETCH_S, TICKERS, Site, site
from benchmarks.harness import report
from rig.waiting import wait_until

AWAY_S: Final = 10.0
SETTLED_S: Final = 20.0
AGAIN_S: Final = 1.0
KILLED: Final = ("gateway", "web", "redis", "venue")


@dataclass
class User:
    """What one stream received."""

    seqs: dict[str, list[int]] = field(default_factory=dict)
    late_ms: list[float] = field(default_factory=list)
    """From the record of a price to its arrival here."""
    notices: list[str] = field(default_factory=list)
    """States that the stream told, and gaps."""
    place: str = ""
    is_connected: bool = False

    async def follow(self, port: int, token: str) -> None:
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.read(port, token)
            self.is_connected = False
            await asyncio.sleep(AGAIN_S)

    async def read(self, port: int, token: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        path = f"/api/v1/venues/deribit/connections/{token}/stream/"
        last = f"Last-Event-ID: {self.place}\r\n" if self.place else ""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{last}\r\n".encode())
        try:
            while line := await reader.readline():
                self.is_connected = True
                if line.startswith(b"id: "):
                    self.place = line[4:].strip().decode()
                elif line.startswith(b"data: "):
                    self.take(json.loads(line[6:]))
        finally:
            writer.close()

    def take(self, event: dict[str, Any]) -> None:
        if event["type"] == "price":
            self.seqs.setdefault(event["ticker"], []).append(event["seq"])
            self.late_ms.append(time.time() * 1_000 - event["at"])
        else:
            self.notices.append(event.get("state", event["type"]))

    def is_complete(self, last: dict[str, int]) -> bool:
        """Return whether every price up to the last came once, from the first that came on."""
        return all(
            self.seqs.get(name, []) == list(range(self.seqs.get(name, [0])[0], seq + 1))
            for name, seq in last.items()
        )


async def kill(running: Site, name: str, users: list[User]) -> dict[str, object]:
    """Kill a role, start it again after AWAY_S, and see whether all goes on."""
    service, told = running.services[name], sum(len(user.notices) for user in users)
    before = {} if name == "web" else await asyncio.to_thread(running.ends)
    await asyncio.to_thread(service.kill)
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(service.start)
    await asyncio.to_thread(running.wait_for_web)
    start = before or await asyncio.to_thread(running.ends)

    def goes_on() -> bool:
        now = running.ends()
        return all(now[each] > start.get(each, 0) for each in TICKERS)

    began = time.monotonic()
    await asyncio.to_thread(wait_until, goes_on, f"prices after {name} was killed", 120)
    recovered_s = round(time.monotonic() - began, 1)
    await asyncio.sleep(SETTLED_S)
    complete = await complete_users(running, users)
    return {
        f"{name} killed for {AWAY_S:.0f} s: new prices of all tickers after, s": recovered_s,
        f"{name} killed for {AWAY_S:.0f} s: users that got every price once": complete,
        f"{name} killed for {AWAY_S:.0f} s: status frames, for all users": sum(
            len(user.notices) for user in users
        )
        - told,
    }


async def complete_users(running: Site, users: list[User]) -> int:
    """Count the users that have all that is recorded now, as soon as they could."""
    last, complete = await asyncio.to_thread(running.ends), 0
    for _ in range(20):
        await asyncio.sleep(0.5)
        found = [
            all((user.seqs.get(name) or [0])[-1] >= seq for name, seq in last.items())
            for user in users
        ]
        if all(found):
            break
    for user in users:
        complete += user.is_complete({name: user.seqs[name][-1] for name in last}) and all(
            user.seqs[name][-1] >= seq for name, seq in last.items()
        )
    return complete


async def measure(running: Site, options: argparse.Namespace) -> dict[str, object]:
    def all_priced() -> bool:
        return len(running.ends()) == len(TICKERS)

    await asyncio.to_thread(wait_until, all_priced, "first prices", 120)
    users = [User() for _ in range(options.users)]
    streams = [
        asyncio.create_task(user.follow(running.port, f"t{number}"))
        for number, user in enumerate(users)
    ]
    while not all(user.is_connected and len(user.seqs) == len(TICKERS) for user in users):
        await asyncio.sleep(0.5)
    before, begun = await asyncio.to_thread(running.requests), time.monotonic()
    for user in users:
        user.late_ms.clear()
    await asyncio.sleep(options.seconds)
    sent = await asyncio.to_thread(running.requests) - before
    rounds = (time.monotonic() - begun) / FETCH_S
    late = sorted(ms for user in users for ms in user.late_ms)
    found: dict[str, object] = {
        "users": options.users,
        "tickers": len(TICKERS),
        "requests to the venue per round of fetches (target: 5)": round(sent / rounds, 2),
        "from the record to the user: p50, ms": round(late[len(late) // 2], 1),
        "from the record to the user: p99, ms": round(late[int(len(late) * 0.99)], 1),
        "users that got every price once (target: all)": await complete_users(running, users),
    }
    for name in options.kill:
        found |= await kill(running, name, users)
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
    options = parser.parse_args()
    with site(options.users) as running:
        report("gateway", asyncio.run(measure(running, options)))


if __name__ == "__main__":
    main()
