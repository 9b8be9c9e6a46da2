"""Market data that many clients ask for at once, computed once for all of them."""

from collections.abc import Callable
from functools import cache, partial
from typing import Generic, TypeVar

from venues.bybit.listed import Listed
from web.snapshots import Snapshot

T = TypeVar("T")


class Cached(Generic[T]):
    """`make` of an instrument, at most `seconds` old."""

    def __init__(self, make: Callable[[Listed], T], seconds: float) -> None:
        self._snapshot = cache(lambda listed: Snapshot(partial(make, listed), seconds))

    def get(self, listed: Listed) -> T:
        """Return what `make` returned; raise what it raised."""
        return self._snapshot(listed).get()
