"""Commit times of ticks: a wrapper of manage.py that logs them, and a reader of the log.

COMMITS=FILE python -m benchmarks.commits runsim --instruments all
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import django
import numpy as np
from django.core.management import execute_from_command_line
from numpy.typing import NDArray


class Commits:
    """Commit times by symbol and seq, read from a log file."""

    def __init__(self, path: str | Path) -> None:
        rows: dict[str, list[tuple[int, float]]] = {}
        for line in Path(path).read_text().splitlines():
            symbol, seq, at = line.split()
            rows.setdefault(symbol, []).append((int(seq), float(at)))
        self._of = {symbol: np.array(each) for symbol, each in rows.items()}

    def at(self, symbol: str, seqs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the commit time of each tick in seconds since 1970; NaN where not logged."""
        if symbol not in self._of:
            return np.full(len(seqs), np.nan)
        last_seqs, times = self._of[symbol].T
        index = np.searchsorted(last_seqs, seqs)
        return np.where(index < len(times), times[np.minimum(index, len(times) - 1)], np.nan)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")
    django.setup()
    from live.broadcast import Broadcaster
    from market.kinds import Delivery
    from quotes import livemarket
    from quotes.kinds import QUOTES

    class LoggingBroadcaster(Broadcaster):
        """Logs the last seq of each block of ticks right after its commit."""

        def publish(self, committed: Sequence[Delivery]) -> None:
            at = time.time()
            super().publish(committed)
            log.writelines(
                f"{self._of[int(rows['instrument'][0])][0]} {rows['seq'][-1]} {at}\n"
                for kind, rows in committed
                if kind is QUOTES
            )

    with (
        Path(os.environ["COMMITS"]).open("a", buffering=1) as log,
        patch.object(livemarket, "Broadcaster", LoggingBroadcaster),
    ):
        execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
