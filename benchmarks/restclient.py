"""A client of the REST history: requests 500 candles, alternately newest and past."""

import http.client
import random
import time
from typing import NamedTuple

ROWS = 500
LENGTH_MS = (ROWS + 100) * 60_000
WARM_UP_S = 1.0


class Asked(NamedTuple):
    """Results of one client: durations in seconds by kind of request, and errors."""

    plain: list[float]
    filtered: list[float]
    errors: list[str]


def ask(port: int, path: str, span: tuple[int, int], seconds: float, seed: int) -> Asked:
    """Send requests over one persistent connection for `seconds`.

    Past requests start at random points of `span` (epoch ms) and cover at least ROWS candles.
    """
    asked = Asked([], [], [])
    random_place = random.Random(seed)
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    begins = time.perf_counter() + WARM_UP_S
    ends = begins + seconds
    while (started := time.perf_counter()) < ends:
        is_plain = len(asked.plain) <= len(asked.filtered)
        start = random_place.randrange(span[0], span[1] - LENGTH_MS, 60_000)
        query = "" if is_plain else f"&start={start}&end={start + LENGTH_MS}"
        client.request("GET", f"{path}?timeframe=1m&limit={ROWS}{query}")
        started = time.perf_counter()
        answer = client.getresponse()
        body = answer.read()
        took = time.perf_counter() - started
        if answer.status != 200 or body.count(b"],[") != ROWS - 1:
            asked.errors.append(f"{answer.status}: {body[:200]!r}")
        elif started >= begins:
            (asked.plain if is_plain else asked.filtered).append(took)
    client.close()
    return asked
