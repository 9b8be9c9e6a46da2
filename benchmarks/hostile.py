"""10,000 malicious requests to an in-process market: server errors and the slowest response."""

import time
from collections import Counter

from django.test import Client

from benchmarks.harness import report, scratch_market
from quotes.tests.hostile import hostile_requests
from rig.histories import make_instrument, make_ticks, record

REQUESTS = 10_000


def main() -> None:
    with scratch_market():
        record(make_ticks(make_instrument(), 200_000), regimes=300)
        client = Client(raise_request_exception=False, headers={"host": "localhost"})
        statuses: Counter[int] = Counter()
        tracebacks, slowest = 0, (0.0, "")
        for method, address in hostile_requests(REQUESTS):
            started = time.perf_counter()
            answer = client.generic(method, address)
            slowest = max(slowest, (time.perf_counter() - started, f"{method} {address[:80]}"))
            statuses[answer.status_code] += 1
            tracebacks += b"Traceback" in getattr(answer, "content", b"")
    faults = sum(count for status, count in statuses.items() if status >= 500)
    report(
        "hostile",
        {
            "requests": REQUESTS,
            "5xx": faults,
            "tracebacks": tracebacks,
            "slowest, ms": round(slowest[0] * 1000, 1),
            "slowest": slowest[1],
            "statuses": str(dict(sorted(statuses.items()))),
        },
    )


if __name__ == "__main__":
    main()
