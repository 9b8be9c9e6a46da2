"""Strict parsing of decimal integers in queries, headers, cursors and command arguments."""

import re
from typing import Final

from market.quoting import quoted

DECIMAL: Final = re.compile(r"-?[0-9]{1,20}")  # int() also accepts ٣, +3, 1_000 and " 3 "


def parse_integer(text: str, low: int, high: int) -> int:
    """Return the integer in `text`; raise ValueError unless low <= integer <= high.

    Accepts at most 20 ASCII digits, with a minus sign only if `low` is negative.
    """
    if DECIMAL.fullmatch(text) and (low < 0 or text[0] != "-"):
        number = int(text)
        if low <= number <= high:
            return number
    raise ValueError(f"{quoted(text)} is not a whole number from {low} to {high}")
