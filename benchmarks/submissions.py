"""Credentials that users submit over HTTP: none remains, and no stolen file reveals one.

    python -m benchmarks.submissions [--count 2000]

One in ten reaches a gateway whose venue refuses it; the others are submitted while the gateway is
killed, and expire. Then looks for ids and secrets in every file of the database, its write-ahead
log, Redis' dump and append-only file, and the logs of all roles: as text, in base64, in hex.
"""

import argparse
import asyncio
import base64
import json
import re
import secrets
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import psycopg
import redis
from cryptography.fernet import Fernet, InvalidToken

from benchmarks.credentials import MARK, files, holds, spellings
from benchmarks.gatewaysite import TICKERS, Site, site
from benchmarks.gatewayusers import PATH
from benchmarks.harness import report
from benchmarks.restclient import answer
from rig.waiting import wait_until

CLIENTS: Final = 16
KEYS: Final = "SELECT handle, key FROM gateway_sealingkey"
TOKEN: Final = re.compile(rb"gAAAAA[\w=-]+")
SETTINGS: Final = {
    "DERIBIT_REQUESTS_PER_S": "1000", "DERIBIT_LIMIT_FACTOR": "0", "DERIBIT_REFRESH_S": "5",
}  # fmt: skip


async def submit(port: int, count: int) -> Counter[int]:
    """Return how often each status was the answer."""
    left, statuses = iter(range(count)), Counter[int]()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            writer.write(request())
            status, _body = await answer(reader)
            statuses[status] += 1
        writer.close()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return statuses


def request() -> bytes:
    mark = MARK.decode()
    body = json.dumps({
        "client_id": f"{mark}-{secrets.token_hex(4)}",
        "client_secret": f"{mark}-{secrets.token_hex(16)}",
    }).encode()  # fmt: skip
    head = (
        f"POST {PATH}/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Thief:
    """Reads what is stored, without the settings of the site."""

    def __init__(self, running: Site) -> None:
        self._running = running
        self.redis = redis.Redis.from_url(running.env["REDIS_URL"])
        for name, value in (
            ("dir", str(running.folder)), ("rdbcompression", "no"), ("appendonly", "yes"),
        ):  # fmt: skip
            self.redis.config_set(name, value)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._running.env["DATABASE_URL"]) as connection:
            return connection.execute(query).fetchall()

    def revealing(self) -> list[str]:
        """Return the files that hold an id or a secret in any spelling."""
        self.redis.save()
        with psycopg.connect(self._running.env["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        found = files(self._running.folder)
        return [str(path) for path in found if any(holds(path, each) for each in spellings(MARK))]

    def keys(self) -> dict[str, bytes]:
        return {row[0]: bytes(row[1]) for row in self.rows(KEYS)}

    def texts(self) -> dict[str, bytes]:
        """Return the sealed texts by their handles."""
        found = list(self.redis.scan_iter("*sealed:*"))
        values = zip(found, self.redis.mget(found) if found else [], strict=True)
        return {
            key.decode().rpartition(":")[2]: text[0]
            for key, value in values
            if isinstance(value, bytes) and (text := TOKEN.search(value)) is not None
        }

    def mixed(self) -> tuple[int, int]:
        """Return in how many files of the database texts are, and of Redis keys."""
        texts, keys = list(self.texts().values())[:3], list(self.keys().values())[:3]
        stored = list(files(self._running.folder))
        ours = [path for path in stored if is_redis(path)]
        theirs = [path for path in stored if not is_redis(path)]
        return (
            sum(any(holds(path, each[10:50]) for each in texts) for path in theirs),
            sum(any(holds(path, each) for each in keys) for path in ours),
        )

    def opened(self) -> int:
        """Return how many texts the keys open that belong to them."""
        texts, count = self.texts(), 0
        for handle, key in self.keys().items():
            if handle in texts:
                count += is_opened(key, texts[handle])
        return count


def is_redis(path: Path) -> bool:
    return path.suffix in (".rdb", ".aof")


def is_opened(key: bytes, text: bytes) -> bool:
    try:
        Fernet(base64.urlsafe_b64encode(key)).decrypt(text)
    except InvalidToken:
        return False
    return True


def measure(running: Site, count: int) -> dict[str, object]:
    wait_until(lambda: len(running.ends()) == len(TICKERS), "first prices", 120)
    thief, began, reaching = Thief(running), time.monotonic(), count // 10
    refused = asyncio.run(submit(running.port, reaching))
    used_s, began = time.monotonic() - began, time.monotonic()
    running.services["gateway"].kill()
    expired = asyncio.run(submit(running.port, count - reaching))
    expired_s = time.monotonic() - began
    live, opened, mixed = len(thief.texts()), thief.opened(), thief.mixed()
    early = len(thief.revealing())
    running.services["gateway"].start()
    wait_until(lambda: not thief.keys() and not thief.texts(), "an end of all credentials", 600)
    states = thief.rows("SELECT state, count(*) FROM gateway_connection GROUP BY state ORDER BY 1")
    return {
        "submitted while the venue refuses, answers by status": dict(refused),
        "per second while the venue refuses": round(reaching / used_s, 1),
        "submitted while the gateway is killed, answers by status": dict(expired),
        "per second while the gateway is killed": round((count - reaching) / expired_s, 1),
        "sealed texts in Redis at the end of that": live,
        "of these, opened by the keys of the database alone (target: 0)": opened,
        "files of the database with a text, of Redis with a key (target: 0, 0)": mixed,
        "files with an id or a secret at that time (target: 0)": early,
        "sealed texts and keys left (target: 0)": len(thief.texts()) + len(thief.keys()),
        "connections by state": dict(states),
        "files with an id or a secret, logs included (target: 0)": len(thief.revealing()),
        "bytes searched": sum(path.stat().st_size for path in files(running.folder)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000)
    options = parser.parse_args()
    with site(users=1, settings=SETTINGS) as running:
        report("submissions", measure(running, options.count))


if __name__ == "__main__":
    main()
