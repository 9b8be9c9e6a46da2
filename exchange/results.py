"""Results of commands: doors wait until the desk has answered and the answer is committed.

The journal's thread notes the answers of its process here, so a door beside the exchange returns at
once. A door in another process reads the command again every POLL_S.
"""

import threading
import time
from collections.abc import Callable
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
        self._noted: dict[int, None] = {}
        self._changed = threading.Condition()

    def note(self, events: Rows) -> None:
        """Note committed ORDER_EVENTS (journal's thread)."""
        answered = events["command"][events["command"] > 0]
        with self._changed:
            self._noted |= dict.fromkeys(answered.tolist())
            for key in list(self._noted)[: max(0, len(self._noted) - MOST_NOTED)]:
                del self._noted[key]
            self._changed.notify_all()

    def wait(self, key: int, timeout_s: float = WAIT_S) -> Command | None:
        """Return the command once it is done, None if it takes longer; raise ClientGone."""
        until = self._clock() + timeout_s
        while True:
            with self._changed:
                pause = BESIDE_POLL_S if self._noted else POLL_S
                left = until - self._clock()
                self._changed.wait_for(lambda: key in self._noted, min(left, pause))
            done = Command.objects.filter(pk=key, done=True).first()
            if done is not None or self._clock() >= until:
                return done
            check_client()


results: Final = Results()
