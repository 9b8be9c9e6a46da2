"""Orders whose requests may still arrive at a venue that accepts a client id twice. Pure.

A broker for such a venue sends an order only when the venue shows none under its client id, and
none can arrive any more.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")
FIRST_POLL_S: Final = 0.25
"""From the first look for a doubtful order to the second; it doubles from look to look."""


class Doubts:
    """Client ids of the orders that were sent without an answer, and how long they may take.

    `quiet_s`: for how long orders of an earlier process may still arrive.
    """

    def __init__(self, quiet_s: float) -> None:
        self._quiet_until = time.monotonic() + quiet_s
        self._until: dict[str, float] = {}
        self._placing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def alone(self, client_id: str) -> AsyncGenerator[None, None]:
        """Let nobody else place an order with this id meanwhile."""
        lock = self._placing.setdefault(client_id, asyncio.Lock())
        async with lock:
            yield

    def sent(self, client_id: str, arrives_within_s: float) -> None:
        """Note that an order is about to be sent: it is doubtful until it is answered."""
        self._until[client_id] = time.monotonic() + arrives_within_s

    def answered(self, client_id: str) -> None:
        """Note that an order is not doubtful; somebody may have settled it meanwhile."""
        self._until.pop(client_id, None)

    def __contains__(self, client_id: object) -> bool:
        return client_id in self._until

    async def settled(self, client_id: str, look: Callable[[], Awaitable[T | None]]) -> T | None:
        """Return what `look` finds of an order; None if there is none, and none can come."""
        until = self._until.get(client_id, self._quiet_until)
        for doubled in itertools.count():
            left_s = until - time.monotonic()
            found = await look()
            if found is not None or left_s <= 0:
                self.answered(client_id)
                return found
            await asyncio.sleep(min(left_s, FIRST_POLL_S * 2**doubled))
        raise AssertionError  # count() has no end
