"""1,000 users of five tickers behind one gateway, which is killed for 10 s meanwhile.

    python -m benchmarks.gateway [--users 1000] [--seconds 40]

Market with web pages, gateway worker, beat and Redis run in processes of their own; the venue is
the market's own Deribit door. Checks that each user got every price once, and that the venue was
asked once for all.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from benchmarks.harness import report
from rig.processes import background, environment, free_port, manage, wait_for_http
from scripts.services import Redis

TICKERS = ("btc_usd", "btc_usdc", "eth_usd", "eth_usdc", "sol_usdc")
SYMBOLS = ("BTC-PERPETUAL", "BTCUSDT", "ETHUSDT", "SOLUSDT")
FETCH_S = 2
AWAY_S = 10.0
SETTLED_S = 20.0
CELERY = [sys.executable, "-m", "celery", "--app", "pytrade"]
WORKER = [*CELERY, "worker", "--queues", "gateway", "--pool", "threads", "--concurrency", "12"]
OPEN_CONNECTIONS = """
import json
from django.utils import timezone
from venues.gateway.logins import digest, expiry
from venues.gateway.models import Connection, Person, PriceSubscription, PriceTicker
tickers = [PriceTicker.objects.create(name=name) for name in {tickers!r}]
now, tokens = timezone.now(), [f"t{{n}}" for n in range({users})]
persons = Person.objects.bulk_create(
    Person(fingerprint=token, account=token, last_login_at=now) for token in tokens
)
Connection.objects.bulk_create(
    Connection(digest=digest("token", token), person=person, state="open", expires_at=expiry())
    for token, person in zip(tokens, persons)
)
PriceSubscription.objects.bulk_create(
    PriceSubscription(person=person, ticker=ticker, interval_s=1)
    for person in persons for ticker in tickers
)
"""


@dataclass
class User:
    """What one stream received."""

    seqs: dict[str, list[int]] = field(default_factory=dict)
    late_ms: list[float] = field(default_factory=list)
    """From the record of a price to its arrival here."""
    broken: str = ""

    async def follow(self, port: int, token: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        path = f"/api/v1/venues/deribit/connections/{token}/stream/"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        try:
            while line := await reader.readline():
                if line.startswith(b'data: {"type":"price"'):
                    self.take(json.loads(line[6:]))
            self.broken = "the stream ended"
        finally:
            writer.close()

    def take(self, price: dict[str, object]) -> None:
        self.seqs.setdefault(str(price["ticker"]), []).append(int(str(price["seq"])))
        self.late_ms.append(time.time() * 1_000 - float(str(price["at"])))

    def is_complete(self, last: dict[str, int]) -> bool:
        """Return whether every price up to the last came once, from the first that came on."""
        return not self.broken and all(
            self.seqs.get(name) == list(range(self.seqs[name][0], seq + 1))
            for name, seq in last.items()
        )


@contextlib.contextmanager
def site(users: int) -> Iterator[tuple[int, dict[str, str]]]:
    """Run Redis, beat and a market that serves pages; yield its port and the environment."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, Redis() as redis:
        port = free_port()
        env = environment(f"sqlite:///{Path(folder) / 'market.sqlite3'}", redis.url)
        env |= {"DERIBIT_URL": f"ws://127.0.0.1:{port}/deribit/ws/api/v2"}
        env |= {"DERIBIT_FETCH_S": str(FETCH_S), "STREAM_CONNECTIONS_PER_ADDRESS": "0"}
        manage("migrate", "-v0", env=env)
        manage("seedinstruments", env=env)
        code = OPEN_CONNECTIONS.format(tickers=TICKERS, users=users)
        manage("shell", "-v0", "-c", code, env=env)
        serve = [sys.executable, "manage.py", "runsim", "--serve", f"127.0.0.1:{port}"]
        beat = [*CELERY, "beat", "--schedule", str(Path(folder) / "beat")]
        with background([*serve, "--instruments", *SYMBOLS, "--backfill", "1m"], env) as market:
            wait_for_http(f"http://127.0.0.1:{port}/livez", market)
            with background(beat, env):
                yield port, env


def requests(port: int) -> int:
    """Return how many requests the gateway has sent to the venue."""
    with urlopen(f"http://127.0.0.1:{port}/api/v1/venues/", timeout=30) as answer:
        return int(json.load(answer)[0]["pool"]["requests"])


def ends(port: int) -> dict[str, int]:
    """Return the newest seq of each ticker."""
    found = {}
    for name in TICKERS:
        url = f"http://127.0.0.1:{port}/api/v1/instruments/DERIBIT-{name.upper()}/"
        with urlopen(url, timeout=30) as answer:
            found[name] = int(json.load(answer)["last_seq"])
    return found


async def measure(port: int, env: dict[str, str], count: int, seconds: float) -> dict[str, object]:
    users = [User() for _ in range(count)]
    with background(WORKER, env):
        await asyncio.sleep(SETTLED_S)  # first prices
        streams = [
            asyncio.create_task(user.follow(port, f"t{number}"))
            for number, user in enumerate(users)
        ]
        await asyncio.sleep(SETTLED_S)
        before, begun = await asyncio.to_thread(requests, port), time.monotonic()
        await asyncio.sleep(seconds)
        sent = await asyncio.to_thread(requests, port) - before
        rounds = (time.monotonic() - begun) / FETCH_S
        late = sorted(ms for user in users for ms in user.late_ms[5:])
    killed = await asyncio.to_thread(ends, port)
    await asyncio.sleep(AWAY_S)
    with background(WORKER, env):
        await asyncio.sleep(SETTLED_S)
    last = await asyncio.to_thread(ends, port)
    await asyncio.sleep(2)
    for stream in streams:
        stream.cancel()
    return {
        "users": count,
        "tickers": len(TICKERS),
        "requests to the venue per round of fetches (target: 5)": round(sent / rounds, 2),
        "prices delivered": sum(len(each) for user in users for each in user.seqs.values()),
        "from the record to the user: p50, ms": round(late[len(late) // 2], 1),
        "from the record to the user: p99, ms": round(late[int(len(late) * 0.99)], 1),
        "prices recorded after the gateway came back": sum(last.values()) - sum(killed.values()),
        "users that got every price once (target: all)": sum(
            user.is_complete(last) for user in users
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=40.0)
    options = parser.parse_args()
    with site(options.users) as (port, env):
        report("gateway", asyncio.run(measure(port, env, options.users, options.seconds)))


if __name__ == "__main__":
    main()
