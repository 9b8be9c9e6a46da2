"""Results of commands: doors wait until the desk has answered and the answer is committed.

The journal's thread notes the answers of its process here, and a listener those of another process,
so a door returns at once. Where there is neither, one of the doors that wait polls for all of them.
"""

import threading
import time
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from typing import Final

from exchange.accounts.answers import Answer, Answers, answers_of, parsed
from exchange.accounts.notices import ANSWERS, Listener
from exchange.models import Command
from market.kinds import Rows
from web.clients import check_client

WAIT_S: Final = 5.0
"""A command that takes longer is answered as pending."""
POLL_S: Final = 0.01
NOTIFIED_POLL_S: Final = 0.25
"""The same where notifications arrive, and polling only finds the answers whose were lost."""
MOST_NOTED: Final = 10_000


class Door:
    """One thread that waits for a command; `woken` is set for it alone."""

    def __init__(self, key: int) -> None:
        self.key = key
        self.answer: Answer | None = None
        self.woken = threading.Event()

    def wake(self, answer: Answer) -> None:
        """Hand over how its command ended."""
        self.answer = answer
        self.woken.set()

    def sleep(self, seconds: float) -> None:
        """Wait until another thread wakes this one, or `seconds` have passed."""
        self.woken.wait(max(0.0, seconds))
        self.woken.clear()


class Results:
    """Waits for commands; `note` and, if it `listens`, other processes make it quick."""

    def __init__(
        self, *, listens: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.listener = Listener(ANSWERS, lambda text: self._note(parsed(text)))
        self._listens = listens
        self._clock = clock
        self._is_beside = False
        self._noted: dict[int, Answer] = {}
        self._doors: list[Door] = []
        self._lock = threading.Lock()

    def note(self, events: Rows) -> None:
        """Note committed ORDER_EVENTS (journal's thread)."""
        self._is_beside = True
        self._note(answers_of(events))

    def wait(self, key: int, timeout_s: float = WAIT_S) -> Answer | None:
        """Return the answer to a command, None if it takes longer; raise ClientGone."""
        if self._listens and not self._is_beside:
            self.listener.start()
        until = self._clock() + timeout_s
        with self._waiting(Door(key)) as door:
            while door.answer is None and (left := until - self._clock()) > 0:
                if self._doors[0] is door:
                    self._poll(door, left)
                else:
                    door.sleep(min(left, NOTIFIED_POLL_S))
                check_client()
        return door.answer

    @contextmanager
    def _waiting(self, door: Door) -> Iterator[Door]:
        """Add a door. The first one polls for all; when it leaves, the next one does."""
        with self._lock:
            door.answer = self._noted.get(door.key)
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
        is_notified = self._is_beside or self.listener.is_listening
        door.sleep(min(left, NOTIFIED_POLL_S if is_notified else POLL_S))
        if door.answer is None:
            with self._lock:
                keys = {each.key for each in self._doors}
            self._note(read_answers(keys))

    def _note(self, found: Answers) -> None:
        with self._lock:
            self._noted |= found
            while len(self._noted) > MOST_NOTED:
                del self._noted[next(iter(self._noted))]
            for door in self._doors:
                if door.key in found:
                    door.wake(found[door.key])


def read_answers(keys: Set[int]) -> dict[int, Answer]:
    """Return the answers to those commands that are done."""
    done = Command.objects.filter(pk__in=keys, done=True)
    return {key: Answer(*left) for key, *left in done.values_list("pk", "reason", "result")}


results: Final = Results(listens=True)


def answered(command: Command, timeout_s: float = WAIT_S) -> Command:
    """Return a command as the desk answered it, or as it is if that takes longer."""
    if not command.done and (answer := results.wait(command.pk, timeout_s)) is not None:
        command.done, (command.reason, command.result) = True, answer
    return command
