"""Notifications between doors and the exchange in other processes: LISTEN and NOTIFY of PostgreSQL.

Doors announce commands, the exchange sends its answers. A notification is delivered when the
transaction that sends it commits. It may be lost with its connection, so both sides also poll the
database, at a longer interval.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

import structlog
from django.db import connection

from exchange.accounts.answers import Answers, texts_of
from journal import statements

logger = structlog.get_logger(__name__)

ANSWERS: Final = "exchange_answers"
COMMANDS: Final = "exchange_commands"
RETRY_S: Final = 1.0
HEARD_S: Final = 0.2
"""Time after which a listener notices that it is to stop."""


def is_possible() -> bool:
    return connection.vendor == "postgresql"


def send(answers: Answers) -> None:
    """Notify other processes of answers when the present transaction commits."""
    for text in texts_of(answers):
        notify(ANSWERS, text)


def announce_commands() -> None:
    """Notify the exchange of commands when the present transaction commits."""
    notify(COMMANDS, "")


def notify(channel: str, text: str) -> None:
    if is_possible():
        statements.execute("SELECT pg_notify(%s, %s)", [channel, text])


class Listener:
    """Calls `take` with the texts that arrive on a channel, in a thread of its own."""

    def __init__(self, channel: str, take: Callable[[str], None]) -> None:
        self.is_listening = False
        self._channel = channel
        self._take = take
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Listen from now on; without effect where that is impossible, or done already."""
        with self._lock:
            if self._thread is None and is_possible():
                self._ends.clear()
                self._thread = threading.Thread(target=self._run, name=self._channel, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        with self._lock:
            self._ends.set()
            if self._thread is not None:
                self._thread.join()
                self._thread = None

    def _run(self) -> None:
        import psycopg  # takes a tenth of the start of a process, and SQLite does without

        parameters = connection.get_connection_params()
        while not self._ends.is_set():
            try:
                self._listen(parameters)
            except psycopg.Error as error:
                logger.warning(
                    "no notifications: the database is polled",
                    channel=self._channel,
                    error=str(error).strip(),
                )
            except Exception:
                logger.exception("a notification could not be taken", channel=self._channel)
            self.is_listening = False
            self._ends.wait(RETRY_S)

    def _listen(self, parameters: dict[str, Any]) -> None:
        import psycopg

        with psycopg.connect(**parameters, autocommit=True) as listening:
            listening.execute(f"LISTEN {self._channel}")
            self.is_listening = True
            while not self._ends.is_set():
                for notice in listening.notifies(timeout=HEARD_S):
                    self._take(notice.payload)
