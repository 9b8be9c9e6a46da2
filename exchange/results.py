"""Results of commands: doors wait until the desk has answered and the answer is committed.

The journal's thread notes the answers of its process here, so a door beside the exchange returns at
once. In other processes, one of the waiting threads polls for all of them.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from exchange.models import Command
from market.kinds import Rows
from web.clients import check_client

WAIT_S: Final = 5.0
"""A command that takes longer is answered as pending."""
POLL_S: Final = 0.01
BESIDE_POLL_S: Final = 0.25
"""The same beside the exchange, where polling only repairs a missed notice."""
MOST_NOTED: Final = 10_000


class Results:
    """Waits for commands of any process; `note` makes it quick for those of this one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._is_beside = False
        self._noted: dict[int, None] = {}
        self._awaited: Counter[int] = Counter()
        self._is_polling = False
        self._changed = threading.Condition()

    def note(self, events: Rows) -> None:
        """Note committed ORDER_EVENTS (journal's thread)."""
        self._is_beside = True
        self._add(events["command"][events["command"] > 0].tolist())

    def wait(self, key: int, timeout_s: float = WAIT_S) -> Command | None:
        """Return the command once it is done, None if it takes longer; raise ClientGone."""
        until = self._clock() + timeout_s
        with self._changed:
            self._awaited[key] += 1
        try:
            while not self._is_noted(key, until) and self._clock() < until:
                check_client()
        finally:
            with self._changed:
                self._awaited -= Counter([key])
        return Command.objects.filter(pk=key, done=True).first()

    def _is_noted(self, key: int, until: float) -> bool:
        """Wait until the command is noted, or poll unless another thread does."""
        with self._changed:
            self._changed.wait_for(
                lambda: key in self._noted or not self._is_polling,
                min(until - self._clock(), BESIDE_POLL_S),
            )
            if key in self._noted or self._is_polling:
                return key in self._noted
            self._is_polling = True
        try:
            return self._poll(key, until)
        finally:
            with self._changed:
                self._is_polling = False
                self._changed.notify_all()

    def _poll(self, key: int, until: float) -> bool:
        """Look for all awaited commands until `key` is noted; raise ClientGone."""
        while (left := until - self._clock()) > 0:
            with self._changed:
                pause = BESIDE_POLL_S if self._is_beside else POLL_S
                if self._changed.wait_for(lambda: key in self._noted, min(left, pause)):
                    return True
                awaited = list(self._awaited)
            done = Command.objects.filter(pk__in=awaited, done=True)
            self._add(done.values_list("pk", flat=True))
            check_client()
        return key in self._noted

    def _add(self, keys: Iterable[int]) -> None:
        with self._changed:
            before = len(self._noted)
            self._noted |= dict.fromkeys(keys)
            if len(self._noted) == before:
                return
            for key in list(self._noted)[: max(0, len(self._noted) - MOST_NOTED)]:
                del self._noted[key]
            self._changed.notify_all()


results: Final = Results()
