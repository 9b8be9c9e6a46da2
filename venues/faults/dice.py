"""Random decisions that a seed repeats: each connection has its own sequence. Pure."""

import math
import random
from collections import Counter
from typing import Final

from venues.faults.profiles import Delay

WEB_PAGE: Final = "<html><head><title>Just a moment...</title></head><body></body></html>"
OTHER_SHAPES: Final = ("null", "[]", "{}", '{"message":"ok"}')


class Dice:
    """The decisions of one connection."""

    def __init__(self, seed: int, connection: str) -> None:
        self._random = random.Random(f"{seed}/{connection}")  # noqa: S311  # faults, no secrets

    def hits(self, share: float) -> bool:
        """Draw: return True with this probability. A share of 0 draws nothing."""
        return share > 0 and self._random.random() < share

    def garbage(self, text: str) -> str:
        """Return the beginning of a text, a web page, or JSON of another shape."""
        return self._random.choice((text[: len(text) // 2], WEB_PAGE, *OTHER_SHAPES))

    def delay_s(self, delay: Delay | None) -> float:
        if delay is None:
            return 0.0
        return self._random.lognormvariate(math.log(delay.median_ms), delay.sigma) / 1000


class Runs:
    """Faults that come in runs: a hit is followed by more of the same."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._left: Counter[str] = Counter()

    def hits(self, fault: str, share: float, length: int) -> bool:
        """Return whether this request is part of a run, which may begin with it."""
        if self._left[fault] == 0 and self._dice.hits(share):
            self._left[fault] = length
        if self._left[fault] == 0:
            return False
        self._left[fault] -= 1
        return True
