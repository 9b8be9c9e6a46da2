"""A venue that misbehaves behind the gateway: what its users see, and whether all goes on."""

import asyncio
import json
import secrets
import time
from collections import Counter
from typing import Final, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import redis

from benchmarks.gatewaysite import Site, complete_users, prices_again
from benchmarks.gatewayusers import PATH, User

QUEUES: Final = ("gateway", "gateway\x06\x169", "celery")
"""Lists in Redis; the second holds the logins, which have the last priority."""
LASTS_S: Final = 60.0
LOOK_S: Final = 1.0
LOGINS_EVERY_S: Final = 5.0
SETTLED_S: Final = 60.0
"""Limit for all users to be told that prices are live again."""


class Fault(NamedTuple):
    """How the venue is started."""

    profile: str = ""
    env: dict[str, str] = {}  # never changed


FAULTS: Final = {
    "silent": Fault("silent"),
    "slow": Fault("latency"),
    "closing": Fault("maintenance"),
    "breaking": Fault("disconnects"),
    "rate limiting": Fault("rate_limits"),
    "starving": Fault(env={"DERIBIT_LIMIT_FACTOR": "0.02"}),
    "garbage": Fault("garbage"),
}
"""`starving`: the door allows one request in 2.5 s, and 2 at once, then closes with 10028."""


class Watch:
    """What is seen from outside while the venue misbehaves."""

    def __init__(self, running: Site) -> None:
        self._running = running
        self.most_waiting = self.most_tasks = 0
        self.logins: Counter[int] = Counter()
        self.slowest_login_s = 0.0

    async def look(self, seconds: float) -> None:
        ends, logins = time.monotonic() + seconds, []
        login_at = time.monotonic()
        while time.monotonic() < ends:
            if time.monotonic() >= login_at:
                login_at += LOGINS_EVERY_S
                logins.append(asyncio.create_task(asyncio.to_thread(self._log_in)))
            await asyncio.to_thread(self._count)
            await asyncio.sleep(LOOK_S)
        await asyncio.gather(*logins)

    def _count(self) -> None:
        waiting = self._running.get("venues/")[0]["pool"]["waiting"]
        self.most_waiting = max(self.most_waiting, int(waiting))
        with redis.Redis.from_url(self._running.env["REDIS_URL"]) as client:
            tasks = sum(int(client.llen(name)) for name in QUEUES)
        self.most_tasks = max(self.most_tasks, tasks)

    def _log_in(self) -> None:
        """Log in with credentials that the venue does not know."""
        body = {"client_id": secrets.token_hex(4), "client_secret": secrets.token_hex(16)}
        began = time.monotonic()
        address = f"http://127.0.0.1:{self._running.port}{PATH}/"
        headers = {"Content-Type": "application/json"}
        request = Request(address, json.dumps(body).encode(), headers)
        try:
            with urlopen(request, timeout=60) as answer:
                self.logins[answer.status] += 1
        except HTTPError as error:
            self.logins[error.code] += 1
        self.slowest_login_s = max(self.slowest_login_s, time.monotonic() - began)


async def measure(running: Site, name: str, users: list[User]) -> dict[str, object]:
    """Let the venue misbehave for LASTS_S, then serve it again, and see whether all goes on."""
    fault, told = FAULTS[name], [len(user.notices) for user in users]
    arguments = ("--faults", fault.profile) if fault.profile else ()
    before = await asyncio.to_thread(running.ends)
    await asyncio.to_thread(running.serve_venue, *arguments, env=fault.env)
    watch = Watch(running)
    await watch.look(LASTS_S)
    during = await asyncio.to_thread(running.ends)
    new = [user.notices[count:] for user, count in zip(users, told, strict=True)]
    await asyncio.to_thread(running.serve_venue)
    recovered_s = await prices_again(running, during)
    not_live = await settled(users)
    complete = await complete_users(running, users)
    figures = {
        "prices recorded meanwhile": sum(during[each] - before[each] for each in during),
        "most requests that waited": watch.most_waiting,
        "most tasks in queues": watch.most_tasks,
        "logins by HTTP status": dict(sorted(watch.logins.items())),
        "slowest login, s": round(watch.slowest_login_s, 1),
        "users told `stale`": sum("stale" in each for each in new),
        "new prices of all tickers after it ended, s": recovered_s,
        "users that got every price once": complete,
        "users whose last status is not `live`": not_live,
    }
    return {f"{name} venue: {label}": value for label, value in figures.items()}


async def settled(users: list[User]) -> int:
    """Wait until all users have been told `live`; return how many were not."""
    until = time.monotonic() + SETTLED_S
    while (left := sum(not user.is_live for user in users)) and time.monotonic() < until:
        await asyncio.sleep(LOOK_S)
    return left
