"""The books that the sockets of an event loop follow: the exchange records those at once."""

import asyncio
from collections import Counter
from contextvars import Context

from exchange.depth import followed
from venues.doors.threads import in_thread


class CloseBooks:
    """Says once a second which books are followed, as long as any are."""

    def __init__(self) -> None:
        self._followers: Counter[int] = Counter()
        self._saying: asyncio.Task[None] | None = None

    @property
    def keys(self) -> list[int]:
        """The instruments whose books are followed."""
        return list(self._followers)

    def add(self, key: int) -> None:
        """Count a follower of the book of an instrument."""
        self._followers[key] += 1
        if self._saying is None:
            self._saying = asyncio.create_task(self._say(), context=Context())

    def discard(self, key: int) -> None:
        """Forget a follower."""
        self._followers[key] -= 1
        self._followers += Counter()  # keeps those with followers
        if not self._followers and self._saying is not None:
            self._saying.cancel()
            self._saying = None

    async def _say(self) -> None:
        while True:
            await in_thread(followed.follow, self.keys)
            await asyncio.sleep(followed.AGAIN_S)
