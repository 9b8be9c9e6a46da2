"""Whether the numbered messages of an order book are complete. Pure."""


class SkippedError(Exception):
    """Messages are missing, or come from the past: the book must be read again."""


class Numbering:
    """The numbers of one book's messages: after a snapshot, each is one more than the last."""

    def __init__(self) -> None:
        self._last: int | None = None
        """None before a snapshot."""

    def forget(self) -> None:
        """Expect a snapshot."""
        self._last = None

    def begin(self, number: int) -> None:
        """Take a snapshot."""
        self._last = number

    def follow(self, number: int) -> bool:
        """Take a delta; return False if no snapshot came before it. Raise SkippedError."""
        if self._last is None:
            return False
        if number != self._last + 1:
            last, self._last = self._last, None
            raise SkippedError(f"update {number} follows {last}")
        self._last = number
        return True
