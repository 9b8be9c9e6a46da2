"""Values as error messages show them."""

from reprlib import Repr

_SHORT = Repr()
_SHORT.maxstring = 80


def quoted(text: str) -> str:
    """Return the repr of `text`, with the middle left out where it is longer than 80 characters."""
    return _SHORT.repr(text)
