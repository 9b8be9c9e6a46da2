"""Credentials that users submit and never use: none remains after they expired.

    python -m benchmarks.credentials [--count 100000]

Seals `count` credentials on PostgreSQL and Redis, as the view does, waits until they have expired,
lets the refreshing task run, and looks for them in rows, in Redis, in its dump, and in every file
of the database, its write-ahead log included.
"""

import argparse
import base64
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from scripts.services import PostgreSQL, Redis

MARK: Final = b"clear-text-of-a-client"
CHUNK: Final = 1 << 24


def holds(path: Path, mark: bytes) -> bool:
    """Return whether a file contains a text."""
    kept = b""
    with path.open("rb") as source:
        while piece := source.read(CHUNK):
            if mark in kept + piece:
                return True
            kept = piece[-len(mark) :]
    return False


def spellings(mark: bytes) -> list[bytes]:
    """Return a text, its hex, and what is the same in base64 wherever it begins."""
    codes = (base64.b64encode(b"x" * shift + mark)[4:-4] for shift in range(3))
    return [mark, mark.hex().encode(), *codes]


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_socket())


def measure(count: int, folder: Path, redis_url: str) -> dict[str, object]:
    """Submit, wait and look; the settings name the services already."""
    import redis
    from django.core.management import call_command
    from django.db import connection

    from venues.gateway import tasks, vault
    from venues.gateway.credentials import LASTS_S, Credentials
    from venues.gateway.models import SealingKey

    call_command("migrate", verbosity=0)
    mark = MARK.decode()

    def submit(number: int) -> None:
        vault.keep(Credentials(f"{mark}-{number}", f"{mark}-secret-{number}"))

    began = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        for _ in threads.map(submit, range(count), chunksize=500):
            pass
    took_s = time.monotonic() - began
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("dir", str(folder))
        client.save()
        early = holds(folder / "dump.rdb", MARK)
        waiting = client.dbsize()
        time.sleep(LASTS_S + 1)
        tasks.refresh()
        client.save()
        left = [key for key in client.scan_iter("*") if b"sealed" in key]
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
        found = [str(path) for path in files(folder) if holds(path, MARK)]
    return {
        "credentials submitted": count,
        "sealed per second": round(count / took_s),
        "in Redis before they expired": waiting,
        "clear text in Redis' dump before they expired (target: no)": early,
        "in Redis afterwards (target: 0)": len(left),
        "keys in the database afterwards (target: 0)": SealingKey.objects.count(),
        "files with clear text, dump and log included (target: 0)": len(found),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, Redis() as redis:
        folder = Path(name)
        with PostgreSQL(folder / "postgresql", durable=False) as database:
            os.environ |= {"DATABASE_URL": database.url, "REDIS_URL": redis.url}
            from benchmarks.harness import report  # settings are read here

            report("credentials", measure(options.count, folder, redis.url))


if __name__ == "__main__":
    main()
