"""Whether the numbered messages of an order book are complete. Pure."""

from typing import Final

MOST_LEFT_OUT: Final = 100


class SkippedError(Exception):
    """Messages are missing, or come from the past: the book must be read again."""


class Numbering:
    """The numbers of one book's messages: after a snapshot, each is one more than the last."""

    def __init__(self) -> None:
        self._last: int | None = None
        """None before a snapshot."""
        self._left_out = 0

    def forget(self) -> None:
        """Expect a snapshot."""
        self._last = None
        self._left_out = 0

    def begin(self, number: int) -> None:
        """Take a snapshot."""
        self._last = number

    def follow(self, number: int) -> bool:
        """Take a delta; return False if no snapshot came before it.

        Raise SkippedError if a number is missing, or MOST_LEFT_OUT deltas came before a snapshot.
        """
        if self._last is None:
            self._left_out += 1
            if self._left_out > MOST_LEFT_OUT:
                self._left_out = 0
                raise SkippedError(f"{MOST_LEFT_OUT} updates came without a snapshot")
            return False
        if number != self._last + 1:
            last, self._last = self._last, None
            raise SkippedError(f"update {number} follows {last}")
        self._last = number
        return True
