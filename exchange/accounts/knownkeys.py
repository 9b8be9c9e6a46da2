"""Valid API keys and their secrets, each read from the database at most once a second."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from exchange.models import ApiKey

FRESH_S: Final = 1.0
"""A key that another process revokes is accepted this much longer at most."""
MOST: Final = 1_000


class Known(NamedTuple):
    """A valid key with its account as they were when they were read, and the secret."""

    key: ApiKey
    secret: str
    read_at: float


class KnownKeys:
    """A cache of valid keys; whoever revokes a key forgets it here."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, Known] = {}

    def find(self, key: str) -> Known | None:
        """Return a valid key, None for others; raise SealError if its secret is unreadable."""
        known = self._known.get(key)
        if known is None or self._clock() - known.read_at >= FRESH_S:
            known = self._read(key)
        return known

    def forget(self, key: str) -> None:
        self._known.pop(key, None)

    def _read(self, key: str) -> Known | None:
        read_at = self._clock()
        found = ApiKey.objects.valid().filter(key=key).select_related("account").order_by()[:1]
        self.forget(key)
        for row in found:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = known = Known(row, row.secret, read_at)
            return known
        return None


known_keys: Final = KnownKeys()
