"""Results that are the same for all viewers of a page, computed once for all of them."""

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakSet

T = TypeVar("T")


class SharedResult(Generic[T]):
    """The result of `make`, at most `seconds` old.

    One caller computes it; meanwhile the others get the old one, or wait if there is none. An
    exception counts as a result.
    """

    _all: "WeakSet[SharedResult[Any]]" = WeakSet()

    def __init__(
        self, make: Callable[[], T], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._clock = clock
        self._making = threading.Lock()
        self._made: tuple[float, T | None, Exception | None] | None = None
        SharedResult._all.add(self)

    def get(self) -> T:
        """Return the result; raise what `make` raised."""
        made = self._made
        if made is None or self._is_old(made):
            made = self._renewed(made)
        _, result, error = made
        if error is not None:
            raise error
        return result  # type: ignore[return-value]  # None only where make returns it

    def peek(self) -> T | None:
        """Return the result if there is one that is not old, else None; computes nothing."""
        made = self._made
        return None if made is None or self._is_old(made) else made[1]

    def _is_old(self, made: tuple[float, T | None, Exception | None]) -> bool:
        return self._clock() - made[0] >= self._seconds

    def forget(self) -> None:
        """Discard the result: the next caller computes it."""
        self._made = None

    @classmethod
    def forget_all(cls) -> None:
        for result in cls._all:
            result.forget()

    def _renewed(
        self, old: tuple[float, T | None, Exception | None] | None
    ) -> tuple[float, T | None, Exception | None]:
        if not self._making.acquire(blocking=old is None):
            assert old is not None  # noqa: S101  # a lock that blocks is acquired
            return old
        try:
            if self._made is not old and self._made is not None:
                return self._made  # made while this caller waited
            self._made = self._attempt()
            return self._made
        finally:
            self._making.release()

    def _attempt(self) -> tuple[float, T | None, Exception | None]:
        try:
            return self._clock(), self._make(), None
        except Exception as error:
            return self._clock(), None, error
