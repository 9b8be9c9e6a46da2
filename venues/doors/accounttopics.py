"""Private topics of a venue: what the hub announces of an account is read once for all sockets."""

import asyncio
from abc import abstractmethod
from collections.abc import Iterable
from contextvars import Context
from typing import Any, Final

import structlog
from django.db import Error as DatabaseError

from live.frames import Publication
from live.reads import read
from live.topics import of_account
from venues.doors.publishers import Publisher

logger = structlog.get_logger(__name__)

RETRY_S: Final = 0.5
Rows = list[dict[str, Any]]


class AccountTopic(Publisher):
    """Reads what a publication of the hub announces, in order, and sends it."""

    source: str
    """The hub's topic, without the account."""

    def __init__(self, name: str, account: int, *, is_silent: bool = False) -> None:
        """`is_silent`: the venue has the topic, but nothing that it would show exists here."""
        super().__init__(name)
        self.account = account
        self.is_silent = is_silent
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        if not self.is_silent:
            await self.follow(of_account(self.source, self.account))

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        await super().close()

    def deliver(self, publication: Publication) -> None:
        self.note(publication)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_all(), context=Context())

    @abstractmethod
    def note(self, publication: Publication) -> None:
        """Remember what a publication announces."""

    @abstractmethod
    async def next_rows(self) -> Rows | None:
        """Return the next rows to send, None if nothing is left; raise DatabaseError."""

    async def _read_all(self) -> None:
        while True:
            try:
                rows = await self.next_rows()
            except DatabaseError as error:
                logger.warning("account not read", topic=self.name, error=str(error).strip())
                await asyncio.sleep(RETRY_S)
                continue
            except Exception:  # an error of ours: its subscribers must not wait for ever
                logger.exception("account not read", topic=self.name)
                self._reading = None
                self.fail()
                return
            if rows is None:
                self._reading = None
                return
            for message in self.messages(rows) if rows else ():
                self.send(message)

    @abstractmethod
    def messages(self, rows: Rows) -> Iterable[Any]:
        """Return the messages in which rows are sent."""


class NumberedTopic(AccountTopic):
    """Rows that the account numbers: each is sent once."""

    def __init__(self, name: str, account: int, *, is_silent: bool = False) -> None:
        super().__init__(name, account, is_silent=is_silent)
        self._next = self._last = 0

    def note(self, publication: Publication) -> None:
        if publication["last_seq"]:
            self._next = self._next or publication["first_seq"]
            self._last = publication["last_seq"]

    async def next_rows(self) -> Rows | None:
        if not self._next:
            return None
        first, last = self._next, self._last
        rows = await read(self.rows, self.account, first, last)
        self._next = last + 1 if self._last > last else 0
        return rows

    @staticmethod
    def rows(account: int, first: int, last: int) -> Rows:
        """Read the rows with these numbers (in a thread)."""
        raise NotImplementedError
