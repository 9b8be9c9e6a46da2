"""When ticks were committed: `manage.py runsim` that notes it, and a reader of its notes.

COMMITS=FILE python -m benchmarks.commits runsim --instruments all
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import django
import numpy as np
from django.core.management import execute_from_command_line
from numpy.typing import NDArray


class Commits:
    """The times of commits by symbol and seq, as they were noted in a file."""

    def __init__(self, path: str | Path) -> None:
        rows: dict[str, list[tuple[int, float]]] = {}
        for line in Path(path).read_text().splitlines():
            symbol, seq, at = line.split()
            rows.setdefault(symbol, []).append((int(seq), float(at)))
        self._of = {symbol: np.array(each) for symbol, each in rows.items()}

    def at(self, symbol: str, seqs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return when each tick was committed, in seconds since 1970; NaN where not noted."""
        if symbol not in self._of:
            return np.full(len(seqs), np.nan)
        last_seqs, times = self._of[symbol].T
        index = np.searchsorted(last_seqs, seqs)
        return np.where(index < len(times), times[np.minimum(index, len(times) - 1)], np.nan)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")
    django.setup()
    from quotes import livemarket

    class Noting(livemarket.Broadcaster):
        """Notes the last seq of each block right after its commit."""

        def publish(self, blocks: Sequence[Any], regimes: Sequence[Any]) -> None:
            at = time.time()
            super().publish(blocks, regimes)
            notes.writelines(
                f"{self._of[int(block['instrument'][0])][0]} {block['seq'][-1]} {at}\n"
                for block in blocks
            )

    livemarket.Broadcaster = Noting  # type: ignore[misc]
    with Path(os.environ["COMMITS"]).open("a", buffering=1) as notes:
        execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
