"""The private topics: order, execution, execution.fast, position, wallet."""

import asyncio
import secrets
from abc import abstractmethod
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final

import structlog
from django.db import Error as DatabaseError

from exchange.accounts.privatestreams import (
    BALANCE_TOPIC,
    EXECUTIONS_TOPIC,
    ORDERS_TOPIC,
    POSITIONS_TOPIC,
)
from live.frames import Publication
from live.reads import read
from live.topics import of_account
from venues.bybit.sockets.accountevents import execution_messages, fast, order_messages
from venues.bybit.sockets.accountstates import position_states, wallet_state
from venues.bybit.sockets.topicnames import SERVED, PrivateTopic
from venues.doors.clock import now_ms
from venues.doors.publishers import Publisher

logger = structlog.get_logger(__name__)

RETRY_S: Final = 0.5
Rows = list[dict[str, Any]]


class AccountTopic(Publisher):
    """Reads what a publication of the hub announces, in order, and sends it."""

    source: str
    """The hub's topic, without the account."""

    def __init__(self, topic: PrivateTopic, account: int) -> None:
        super().__init__(topic.name)
        self.account = account
        self._is_served = topic.category in ("", SERVED)
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        if self._is_served:
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
            if rows:
                self.send(self.message(rows))

    def message(self, rows: Rows) -> dict[str, Any]:
        created = now_ms()
        name = f"{self.account}{secrets.token_hex(8)}_{created}"
        return {"id": name, "topic": self.name, "creationTime": created, "data": rows}


class NumberedTopic(AccountTopic):
    """Rows that the account numbers: each is sent once."""

    def __init__(self, topic: PrivateTopic, account: int) -> None:
        super().__init__(topic, account)
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


class OrderTopic(NumberedTopic):
    source = ORDERS_TOPIC
    rows = staticmethod(order_messages)


class ExecutionTopic(NumberedTopic):
    source = EXECUTIONS_TOPIC
    rows = staticmethod(execution_messages)


class FastExecutionTopic(ExecutionTopic):
    def message(self, rows: Rows) -> dict[str, Any]:
        return {
            "topic": self.name,
            "creationTime": now_ms(),
            "data": [fast(row) for row in rows],
        }


class StateTopic(AccountTopic):
    """A state: what changed is sent, as it is when it is read."""

    compared: tuple[str, ...] = ()
    """Fields of a row that tell whether it changed; none: all of them."""

    def __init__(self, topic: PrivateTopic, account: int) -> None:
        super().__init__(topic, account)
        self._is_due = False
        self._known: dict[str, Any] | None = None

    def note(self, publication: Publication) -> None:
        self._is_due = True

    async def open(self) -> None:
        await super().open()
        if self._is_served:
            self._known = await read(self.states, self.account)

    async def next_rows(self) -> Rows | None:
        if not self._is_due:
            return None
        self._is_due = False
        try:
            found = await read(self.states, self.account)
        except DatabaseError:
            self._is_due = True
            raise
        known, self._known = self._known or {}, found
        return [row for key, row in found.items() if self._differs(known.get(key), row)]

    def _differs(self, before: dict[str, Any] | None, row: dict[str, Any]) -> bool:
        if before is None or not self.compared:
            return before != row
        return any(before[name] != row[name] for name in self.compared)

    @staticmethod
    def states(account: int) -> dict[str, Any]:
        """Read the rows of the state by what they concern (in a thread)."""
        raise NotImplementedError


class PositionTopic(StateTopic):
    source = POSITIONS_TOPIC
    compared = ("side", "size", "avgPrice", "leverage", "cumRealisedPnl", "takeProfit", "stopLoss")
    states = staticmethod(position_states)


class WalletTopic(StateTopic):
    source = BALANCE_TOPIC
    states = staticmethod(wallet_state)


TOPICS: Final[dict[str, Callable[[PrivateTopic, int], AccountTopic]]] = {
    "order": OrderTopic,
    "execution": ExecutionTopic,
    "execution.fast": FastExecutionTopic,
    "position": PositionTopic,
    "wallet": WalletTopic,
}


def private_publisher(topic: PrivateTopic, account: int) -> Publisher:
    return TOPICS[topic.kind](topic, account)
