"""The socket that trades: /v5/trade. What orders mean is decided where REST decides it."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import structlog
from django.db import Error as DatabaseError

from exchange.accounts.knownkeys import known_keys
from exchange.accounts.traders import Trader
from venues.bybit.errors import BybitError, RetCode, parameter_error
from venues.bybit.fields import Fields
from venues.bybit.limits import Limit, Usage
from venues.bybit.rest.admission import Gate, check_window
from venues.bybit.rest.answering import limit_headers, note
from venues.bybit.sockets.authentication import Authentication, LoginRefusedError
from venues.bybit.sockets.operations import OK, Operation, trade_pong, trade_reply
from venues.bybit.sockets.socket import Socket
from venues.bybit.trading import batchorders, orders
from venues.doors.clients import clients
from venues.doors.clock import now_ms
from venues.doors.sockets import POLICY_VIOLATION
from venues.doors.threads import in_thread

logger = structlog.get_logger(__name__)

MOST_WAITING: Final = 100
"""Requests of one connection that are not answered yet."""
REMEMBERED_IDS: Final = 10_000


class Done(NamedTuple):
    """`data` and `retExtInfo` of a reply."""

    data: Mapping[str, Any]
    extra: Mapping[str, Any]


class Request(NamedTuple):
    """What an operation does, and what limits it."""

    execute: Callable[[Trader, Fields], Done]
    limit: Limit


def single(execute: Callable[[Trader, Fields], Any]) -> Callable[[Trader, Fields], Done]:
    return lambda trader, fields: Done(execute(trader, fields).as_json(), {})


def batch(execute: Callable[[Trader, Fields], Any]) -> Callable[[Trader, Fields], Done]:
    return lambda trader, fields: Done(*batchorders.as_results(execute(trader, fields)))


REQUESTS: Final = {
    "order.create": Request(single(orders.create), Limit.CREATE),
    "order.amend": Request(single(orders.amend), Limit.AMEND),
    "order.cancel": Request(single(orders.cancel), Limit.CANCEL),
    "order.create-batch": Request(batch(batchorders.create), Limit.CREATE_BATCH),
    "order.amend-batch": Request(batch(batchorders.amend), Limit.AMEND_BATCH),
    "order.cancel-batch": Request(batch(batchorders.cancel), Limit.CANCEL_BATCH),
}


class TradeSocket(Socket):
    """Executes requests one after the other; pings are answered meanwhile."""

    def __init__(self, *connection: Any, gate: Gate) -> None:
        super().__init__(*connection)
        self._gate = gate
        self._authentication = Authentication(self._end_revoked)
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._waiting: asyncio.Queue[Operation] = asyncio.Queue(MOST_WAITING)
        self._is_working = False

    async def operate(self, operation: Operation) -> None:
        if operation.op == "ping":
            self.reply(trade_pong(operation, self.connection, now_ms()))
        elif operation.op == "auth":
            await self._authenticate(operation)
        else:
            self._accept(operation)

    def refuse(self, operation: Operation, text: str) -> None:
        self._refuse(operation, BybitError(RetCode.PARAMETER, text))

    def unavailable(self, operation: Operation) -> None:
        self._refuse(operation, BybitError(RetCode.SERVER))

    async def ended(self) -> None:
        await self._authentication.close()

    async def _authenticate(self, operation: Operation) -> None:
        code, text = 0, OK
        try:
            await self._authentication.log_in(operation.args)
            clients.identify(self.connection, self._authentication.trader.account.name)
        except LoginRefusedError as error:
            code, text = error.code.value, str(error)
        self.reply(trade_reply(operation, self.connection, code, text))

    def _accept(self, operation: Operation) -> None:
        """Queue a request, or refuse it at once."""
        try:
            self._check(operation)
            self._waiting.put_nowait(operation)
        except BybitError as error:
            self._refuse(operation, error)
            return
        except asyncio.QueueFull:
            self._refuse(operation, BybitError(RetCode.WS_TOO_MANY))
            return
        if not self._is_working:
            self._is_working = True
            self.start(self._work())

    def _check(self, operation: Operation) -> None:
        """Raise BybitError for a request that needs no database to refuse it."""
        if operation.op not in REQUESTS:
            raise BybitError(RetCode.WS_ROUTE)
        if self._authentication.login is None:
            raise BybitError(RetCode.API_KEY, "not logged in: send an auth message first")
        if operation.id is not None:
            if operation.id in self._ids:
                raise BybitError(RetCode.WS_REPEATED_ID)
            self._ids[operation.id] = None
            if len(self._ids) > REMEMBERED_IDS:
                self._ids.popitem(last=False)
        check_window(
            str(operation.header.get("X-BAPI-TIMESTAMP", "")),
            str(operation.header.get("X-BAPI-RECV-WINDOW", "")),
            now_ms(),
        )
        if len(operation.args) != 1 or not isinstance(operation.args[0], dict):
            raise parameter_error("args must be a list of one object")

    async def _work(self) -> None:
        """Execute what waits."""
        try:
            while not self._waiting.empty():
                await self._execute(self._waiting.get_nowait())
        finally:
            self._is_working = False

    async def _execute(self, operation: Operation) -> None:
        request = REQUESTS[operation.op]
        trader = self._authentication.trader
        usage = self._gate.by_class(trader, request.limit)
        try:
            if usage.is_exceeded:
                raise BybitError(RetCode.TOO_MANY_VISITS)
            done = await in_thread(execute, request, trader, Fields(operation.args[0]))
        except BybitError as error:
            self._refuse(operation, error, usage)
        except DatabaseError as error:
            logger.warning("request failed", op=operation.op, error=str(error).strip())
            self._refuse(operation, BybitError(RetCode.SERVER), usage)
        except Exception:  # of one request: the others go on
            logger.exception("request failed", op=operation.op)
            self._refuse(operation, BybitError(RetCode.SERVER), usage)
        else:
            note(self._address, trader, request.limit, usage)
            header = header_of(usage)
            self.reply(
                trade_reply(
                    operation,
                    self.connection,
                    0,
                    OK,
                    data=done.data,
                    extra=done.extra,
                    header=header,
                )
            )

    def _refuse(self, operation: Operation, error: BybitError, usage: Usage | None = None) -> None:
        header = header_of(usage)
        trader = None if self._authentication.login is None else self._authentication.trader
        limit = REQUESTS[operation.op].limit if operation.op in REQUESTS else Limit.OTHER
        note(self._address, trader, limit, usage, error)
        self.reply(
            trade_reply(operation, self.connection, error.code.value, error.text, header=header)
        )

    def _end_revoked(self) -> None:
        self.start(self.end("revoked", POLICY_VIOLATION))


def execute(request: Request, trader: Trader, fields: Fields) -> Done:
    """Execute a request of a key that is still valid (in a thread); raise BybitError."""
    known = None if trader.key is None else known_keys.find(trader.key.key)
    if known is None:
        raise BybitError(RetCode.API_KEY)
    if not known.key.can_trade:
        raise BybitError(RetCode.PERMISSION)
    if not fields.category().is_served:
        raise BybitError(RetCode.WS_ROUTE, f"category {fields.category().value} is not supported")
    return request.execute(trader, fields)


def header_of(usage: Usage | None) -> dict[str, str]:
    """Return the header of a reply; one that was refused before it counted has no limits."""
    limits = {} if usage is None else limit_headers(usage)
    return {**limits, "Traceid": secrets.token_hex(16), "Timenow": str(now_ms())}
