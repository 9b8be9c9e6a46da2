"""The instruments with a book, read from the database at most once a second."""

from collections.abc import Iterable, Mapping
from typing import Final

from instruments.models import Instrument
from web.sharedresults import SharedResult

FRESH_S: Final = 1.0


def books() -> Mapping[str, Instrument]:
    """Return the instruments with a book by symbol."""
    return {each.symbol: each for each in _read.get().values()}


def with_keys(keys: Iterable[int]) -> Mapping[int, Instrument]:
    """Return these instruments, whether they are known already or new."""
    wanted, known = set(keys), _read.get()
    if wanted <= known.keys():
        return known
    return Instrument.objects.in_bulk(wanted)


def _read_all() -> dict[int, Instrument]:
    return Instrument.objects.filter(has_book=True).in_bulk()


_read: Final = SharedResult(_read_all, FRESH_S)
