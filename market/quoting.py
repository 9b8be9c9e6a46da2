"""Quoting of values in error messages."""

from reprlib import Repr

_SHORT = Repr()
_SHORT.maxstring = 80


def quoted(text: str) -> str:
    """Return the repr of `text`, shortened in the middle to 80 characters."""
    return _SHORT.repr(text)
