"""How long instruments have had no new tick, as this process sees it."""

import time
from collections.abc import Callable


class Idleness:
    """Remembers when the newest tick of each instrument changed.

    Times of ticks are simulated: after the machine was overloaded they stay behind the wall clock,
    although ticks flow. So only the first look at an instrument relies on them.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}

    def seconds(self, symbol: str, last_seq: int, age_s: float) -> float:
        """Return for how long `last_seq` has been the newest; `age_s`: the age of that tick."""
        now = self._clock()
        seq, since = self._seen.get(symbol, (last_seq, now - age_s))
        if seq != last_seq:
            since = now
        self._seen[symbol] = last_seq, since
        return now - since

    def forget(self) -> None:
        """Forget everything, e.g. the database of another test."""
        self._seen.clear()
