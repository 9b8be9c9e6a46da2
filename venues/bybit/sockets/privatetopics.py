"""The private topics: order, execution, execution.fast, position, wallet."""

import secrets
from collections.abc import Callable, Iterable
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
from venues.bybit.sockets.accountevents import execution_messages, fast, order_messages
from venues.bybit.sockets.accountstates import position_states, wallet_state
from venues.bybit.sockets.topicnames import SERVED, PrivateTopic
from venues.doors.accounttopics import AccountTopic, NumberedTopic, Rows
from venues.doors.clock import now_ms
from venues.doors.publishers import Publisher

logger = structlog.get_logger(__name__)


class InCategory(AccountTopic):
    """A topic, or a part of it that one category makes."""

    def __init__(self, topic: PrivateTopic, account: int) -> None:
        super().__init__(topic.name, account, is_silent=topic.category not in ("", SERVED))

    def messages(self, rows: Rows) -> Iterable[Any]:
        return (self.message(rows),)

    def message(self, rows: Rows) -> dict[str, Any]:
        created = now_ms()
        name = f"{self.account}{secrets.token_hex(8)}_{created}"
        return {"id": name, "topic": self.name, "creationTime": created, "data": rows}


class OrderTopic(InCategory, NumberedTopic):
    source = ORDERS_TOPIC
    rows = staticmethod(order_messages)


class ExecutionTopic(InCategory, NumberedTopic):
    source = EXECUTIONS_TOPIC
    rows = staticmethod(execution_messages)


class FastExecutionTopic(ExecutionTopic):
    def message(self, rows: Rows) -> dict[str, Any]:
        return {
            "topic": self.name,
            "creationTime": now_ms(),
            "data": [fast(row) for row in rows],
        }


class StateTopic(InCategory):
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
        if not self.is_silent:
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
    compared = (
        "side",
        "size",
        "entryPrice",
        "leverage",
        "cumRealisedPnl",
        "takeProfit",
        "stopLoss",
    )
    states = staticmethod(position_states)


class WalletTopic(StateTopic):
    source = BALANCE_TOPIC
    states = staticmethod(wallet_state)


TOPICS: Final[dict[str, Callable[[PrivateTopic, int], InCategory]]] = {
    "order": OrderTopic,
    "execution": ExecutionTopic,
    "execution.fast": FastExecutionTopic,
    "position": PositionTopic,
    "wallet": WalletTopic,
}


def private_publisher(topic: PrivateTopic, account: int) -> Publisher:
    return TOPICS[topic.kind](topic, account)
