"""A WebSocket to Bybit: JSON messages both ways, pings, and a limit on silence."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import aiohttp
import orjson

PING_S: Final = 15.0
SILENT_S: Final = 40.0
"""A connection that has not even answered pings for this long is dead."""
CLOSE_S: Final = 0.5
CONNECT_S: Final = 10.0
LARGEST_MESSAGE: Final = 16 * 2**20


class DisconnectedError(Exception):
    """The connection failed, or was closed; the text says how."""


class Connection:
    """Sends operations and receives messages."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def say(self, op: str, args: Sequence[Any] = (), **more: Any) -> None:
        """Send an operation; raise DisconnectedError."""
        try:
            message = orjson.dumps({"op": op, "args": list(args), **more})
            await self._socket.send_str(message.decode())
        except (aiohttp.ClientError, OSError) as error:
            raise DisconnectedError(str(error) or type(error).__name__) from error

    async def hear(self) -> dict[str, Any]:
        """Return the next message; raise DisconnectedError."""
        try:
            message = await self._socket.receive(SILENT_S)
        except TimeoutError as error:
            raise DisconnectedError(f"silent for {SILENT_S:.0f} s") from error
        if message.type is not aiohttp.WSMsgType.TEXT:
            code = self._socket.close_code
            raise DisconnectedError(f"closed with {code} {message.extra or ''}".strip())
        try:
            found = orjson.loads(message.data)
        except ValueError as error:
            raise DisconnectedError(f"a message is not JSON: {error}") from error
        if not isinstance(found, dict) or not ("topic" in found or "op" in found):
            raise DisconnectedError(f"a message is not one of Bybit: {message.data[:80]!r}")
        return found

    async def ping(self) -> None:
        """Ping until cancelled."""
        with suppress(DisconnectedError):  # hear() reports it
            while True:
                await asyncio.sleep(PING_S)
                await self.say("ping")


@asynccontextmanager
async def connected(session: aiohttp.ClientSession, url: str) -> AsyncGenerator[Connection, None]:
    """Connect; raise DisconnectedError if that fails."""
    timeout = aiohttp.ClientWSTimeout(ws_close=CLOSE_S)
    try:
        async with asyncio.timeout(CONNECT_S):
            socket = await session.ws_connect(url, timeout=timeout, max_msg_size=LARGEST_MESSAGE)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise DisconnectedError(f"{url}: {str(error) or type(error).__name__}") from error
    connection = Connection(socket)
    pinging = asyncio.create_task(connection.ping())
    try:
        yield connection
    finally:
        pinging.cancel()
        await socket.close()
