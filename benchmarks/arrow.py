"""Rows per second of ?format=arrow, from the database through HTTP into an Arrow table."""

import time
from collections.abc import Callable

import pyarrow as pa
from django.test import Client

from benchmarks.harness import report, scratch_market
from rig.histories import make_instrument, make_ticks, record

QUOTES = 1_000_000
REPEATS = 3


def fastest(work: Callable[[], int]) -> float:
    """Return the highest rate of REPEATS runs, in rows per second."""
    rates = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        rows = work()
        rates.append(rows / (time.perf_counter() - started))
    return max(rates)


def puller(address: str) -> Callable[[], int]:
    client = Client(headers={"host": "localhost"})

    def pull() -> int:
        answer = client.get(address)
        return int(pa.ipc.open_stream(answer.content).read_all().num_rows)

    return pull


def main() -> None:
    with scratch_market():
        record(make_ticks(make_instrument(), QUOTES, interval_s=30))
        figures: dict[str, object] = {}
        for name, path in {"quotes": "quotes/?", "candles": "candles/?timeframe=1m&"}.items():
            pull = puller(f"/api/v1/instruments/ES/{path}format=arrow")
            figures[f"{name}, rows"] = pull()
            figures[f"{name}, rows/s"] = round(fastest(pull))
    report("arrow", figures)


if __name__ == "__main__":
    main()
