"""One WebSocket connection to a venue that speaks JSON-RPC 2.0, e.g. Deribit."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

import orjson
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from market.quoting import quoted
from venues.deribit.client.errors import (
    LostError,
    RefusedError,
    UnavailableError,
    VenueError,
)

logger = structlog.get_logger(__name__)

CONNECT_S: Final = 10.0
ANSWER_S: Final = 10.0
PING_S: Final = 10.0
"""Between pings; a connection whose ping is not answered within the same time is closed."""
LARGEST_MESSAGE: Final = 4_194_304
Told = Callable[[str, Mapping[str, Any]], None]


class RpcClient:
    """Sends requests and finds the answer to each. An access token lives and dies with it.

    `closed` is called once, when the connection has ended for whatever reason; `told` is called
    with method and parameters of each notification.
    """

    def __init__(
        self,
        connection: ClientConnection,
        closed: Callable[["RpcClient"], None] = lambda client: None,
        answer_s: float = ANSWER_S,
        told: Told = lambda method, params: None,
    ) -> None:
        self._connection = connection
        self._closed = closed
        self._told = told
        self._answer_s = answer_s
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self.opened_at = asyncio.get_running_loop().time()
        self.is_open = True
        self.is_closing = False
        """Whether the connection ends because of us."""
        self.reason = ""
        """Why the connection ended."""
        self._closing: asyncio.Task[None] | None = None
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls,
        url: str,
        closed: Callable[["RpcClient"], None] = lambda client: None,
        answer_s: float = ANSWER_S,
        told: Told = lambda method, params: None,
    ) -> Self:
        """Connect; raise UnavailableError."""
        try:
            connection = await connect(
                url,
                open_timeout=CONNECT_S,
                close_timeout=1,
                ping_interval=PING_S,
                ping_timeout=PING_S,
                max_size=LARGEST_MESSAGE,
                compression=None,
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise UnavailableError(f"no connection to {url}: {error}") from error
        return cls(connection, closed, answer_s, told)

    async def call(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the result of a method; raise RefusedError or LostError."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}
        try:
            async with asyncio.timeout(self._answer_s):
                await self._connection.send(orjson.dumps(message).decode())
                return result_of(await answer)
        except TimeoutError:
            self._closing = asyncio.create_task(self.close())  # nobody waits for a late answer
            await asyncio.shield(self._closing)  # it ends also if the caller gives up meanwhile
            raise LostError(f"no answer to {method} within {self._answer_s:g} s") from None
        except ConnectionClosed as error:
            raise LostError(f"the connection broke during {method}: {error}") from None
        finally:
            self._answers.pop(number, None)

    async def close(self) -> None:
        self.is_closing = True
        await self._connection.close()
        await asyncio.wait([self._reading])

    async def _read(self) -> None:
        self.reason = "the venue closed the connection"
        try:
            async for text in self._connection:
                self._take(orjson.loads(text))
        except (ValueError, TypeError, AttributeError, LookupError) as error:  # not JSON-RPC
            self.reason = f"the venue sent a message that is not JSON-RPC: {error}"
            await self._connection.close(1002)
        except ConnectionClosed as error:
            self.reason = f"the connection broke: {error}"
        finally:
            self._end()

    def _take(self, message: Any) -> None:
        """Pass an answer to its caller, a notification on; raise AttributeError for no object."""
        answer = self._answers.get(message.get("id"))
        if answer is not None and not answer.done():
            answer.set_result(message)
        elif isinstance(method := message.get("method"), str):
            self._told(method, dict(message.get("params") or {}))

    def _end(self) -> None:
        self.is_open = False
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(LostError(self.reason))
        if not self.is_closing:
            logger.warning("connection to the venue ended", reason=self.reason)
        self._closed(self)


def result_of(message: Mapping[str, Any]) -> Any:
    """Return the result in an answer; raise RefusedError, or LostError for another message."""
    error = message.get("error")
    if error is not None:
        raise refused(error)
    if "result" not in message:
        raise LostError("the venue answered with neither a result nor an error")
    return message["result"]


def refused(error: Any) -> VenueError:
    """Return the error in an answer."""
    try:
        code, text, data = int(error["code"]), error["message"], error.get("data") or {}
    except (TypeError, ValueError, LookupError, AttributeError):
        return LostError(f"the venue answered with a malformed error: {quoted(str(error))}")
    reason = data.get("reason", "") if isinstance(data, dict) else str(data)
    return RefusedError(code, f"{text} {reason}".strip())
