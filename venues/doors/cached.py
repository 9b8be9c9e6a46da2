"""Market data that many clients ask for at once, computed once for all of them."""

from collections.abc import Callable, Hashable
from functools import cache, partial
from typing import Generic, TypeVar

from web.sharedresults import SharedResult

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Cached(Generic[K, T]):
    """`make` of a key, e.g. of an instrument, at most `seconds` old."""

    def __init__(self, make: Callable[[K], T], seconds: float) -> None:
        self._snapshot = cache(lambda key: SharedResult(partial(make, key), seconds))

    def get(self, key: K) -> T:
        """Return what `make` returned; raise what it raised."""
        found: SharedResult[T] = self._snapshot(key)
        return found.get()
