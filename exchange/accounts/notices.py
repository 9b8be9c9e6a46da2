"""Answers from the exchange to the doors of other processes, by LISTEN and NOTIFY of PostgreSQL.

A notification is delivered when the answers that it contains are committed. It may be lost with its
connection, so doors also poll the database, at a longer interval.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

import psycopg
import structlog
from django.db import connection

from exchange.accounts.answers import Answers, parsed, texts_of

logger = structlog.get_logger(__name__)

CHANNEL: Final = "exchange_answers"
RETRY_S: Final = 1.0


def is_possible() -> bool:
    return connection.vendor == "postgresql"


def send(answers: Answers) -> None:
    """Notify other processes of answers when the present transaction commits."""
    if is_possible():
        with connection.cursor() as cursor:
            for text in texts_of(answers):
                cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, text])


class Listener:
    """Calls `take` with what other processes send, in a thread of its own."""

    def __init__(self, take: Callable[[Answers], None]) -> None:
        self.is_listening = False
        self._take = take
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Listen from now on; without effect where that is impossible, or done already."""
        with self._lock:
            if self._thread is None and is_possible():
                self._ends.clear()
                self._thread = threading.Thread(target=self._run, name="answers", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        with self._lock:
            self._ends.set()
            if self._thread is not None:
                self._thread.join()
                self._thread = None

    def _run(self) -> None:
        parameters = connection.get_connection_params()
        while not self._ends.is_set():
            try:
                self._listen(parameters)
            except psycopg.Error as error:
                logger.warning("no notifications: answers are polled", error=str(error).strip())
            self.is_listening = False
            self._ends.wait(RETRY_S)

    def _listen(self, parameters: dict[str, Any]) -> None:
        with psycopg.connect(**parameters, autocommit=True) as listening:
            listening.execute(f"LISTEN {CHANNEL}")
            self.is_listening = True
            while not self._ends.is_set():
                for notice in listening.notifies(timeout=RETRY_S):
                    self._take(parsed(notice.payload))
