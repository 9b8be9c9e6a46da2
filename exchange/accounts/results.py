"""Results of commands: doors wait until the desk has answered and the answer is committed.

The journal's thread notes the answers of its process here, so a door beside the exchange returns at
once. In other processes, one of the doors that wait polls for all of them.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from exchange.models import Command
from market.kinds import Rows
from web.clients import check_client

WAIT_S: Final = 5.0
"""A command that takes longer is answered as pending."""
POLL_S: Final = 0.01
BESIDE_POLL_S: Final = 0.25
"""The same beside the exchange, where polling only repairs a missed notice."""
MOST_NOTED: Final = 10_000


class Result(NamedTuple):
    """How a command ended: `Command.reason` and `Command.result`."""

    reason: int | None
    result: Any


class Door:
    """One thread that waits for a command; `woken` is set for it alone."""

    def __init__(self, key: int) -> None:
        self.key = key
        self.is_done = False
        self.result: Result | None = None
        """The result as the door that polled has read it."""
        self.woken = threading.Event()

    def wake(self, result: Result | None) -> None:
        """Tell this door that its command is done."""
        self.is_done, self.result = True, result
        self.woken.set()

    def sleep(self, seconds: float) -> None:
        """Wait until another thread wakes this one, or `seconds` have passed."""
        self.woken.wait(max(0.0, seconds))
        self.woken.clear()


class Results:
    """Waits for commands of any process; `note` makes it quick for those of this one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._is_beside = False
        self._noted: dict[int, None] = {}
        self._doors: list[Door] = []
        self._lock = threading.Lock()

    def note(self, events: Rows) -> None:
        """Note committed ORDER_EVENTS (journal's thread)."""
        self._is_beside = True
        self._note(dict.fromkeys(events["command"][events["command"] > 0].tolist()))

    def wait(self, key: int, timeout_s: float = WAIT_S) -> Result | None:
        """Return the result of a command, None if it takes longer; raise ClientGone."""
        until = self._clock() + timeout_s
        with self._waiting(Door(key)) as door:
            while not door.is_done and (left := until - self._clock()) > 0:
                if self._doors[0] is door:
                    self._poll(door, left)
                else:
                    door.sleep(min(left, BESIDE_POLL_S))
                check_client()
        return door.result or read_results({key}).get(key)

    @contextmanager
    def _waiting(self, door: Door) -> Iterator[Door]:
        """Add a door. The first one polls for all; when it leaves, the next one does."""
        with self._lock:
            door.is_done = door.key in self._noted
            self._doors.append(door)
        try:
            yield door
        finally:
            with self._lock:
                self._doors.remove(door)
                if self._doors:
                    self._doors[0].woken.set()

    def _poll(self, door: Door, left: float) -> None:
        """Look once for the commands of all doors, unless this one is woken before."""
        door.sleep(min(left, BESIDE_POLL_S if self._is_beside else POLL_S))
        if not door.is_done:
            with self._lock:
                keys = {each.key for each in self._doors}
            self._note(read_results(keys))

    def _note(self, found: Mapping[int, Result | None]) -> None:
        with self._lock:
            self._noted |= dict.fromkeys(found)
            while len(self._noted) > MOST_NOTED:
                del self._noted[next(iter(self._noted))]
            for door in self._doors:
                if door.key in found:
                    door.wake(found[door.key])


def read_results(keys: Set[int]) -> dict[int, Result]:
    """Return the results of those commands that are done."""
    done = Command.objects.filter(pk__in=keys, done=True)
    return {key: Result(*left) for key, *left in done.values_list("pk", "reason", "result")}


results: Final = Results()


def answered(command: Command, timeout_s: float = WAIT_S) -> Command:
    """Return a command as the desk answered it, or as it is if that takes longer."""
    if not command.done and (result := results.wait(command.pk, timeout_s)) is not None:
        command.done, (command.reason, command.result) = True, result
    return command
