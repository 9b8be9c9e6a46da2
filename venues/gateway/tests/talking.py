"""Venues for tests that answer as a test wants, over real sockets."""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

Talk = Callable[[ServerConnection], Awaitable[None]]


@contextlib.asynccontextmanager
async def venue(talk: Talk) -> AsyncIterator[str]:
    """Serve connections with `talk`; yield the beginning of the addresses."""
    async with serve(talk, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def answered(text: str | bytes, **members: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": json.loads(text)["id"], **members})


async def echo(connection: ServerConnection) -> None:
    """Answer each request with the name of its method."""
    async for text in connection:
        await connection.send(answered(text, result=json.loads(text)["method"]))


class Prices:
    """A venue that knows the prices of some indexes, and counts what it is asked for.

    It does not answer requests for those in `silent`.
    """

    def __init__(self, **prices: float) -> None:
        self.prices = prices
        self.asked: list[str] = []
        self.silent: set[str] = set()
        self._connections: set[ServerConnection] = set()

    async def hang_up(self) -> None:
        """Close all connections."""
        for connection in tuple(self._connections):
            await connection.close()

    async def __call__(self, connection: ServerConnection) -> None:
        self._connections.add(connection)
        async for text in connection:
            name = json.loads(text)["params"]["index_name"]
            self.asked.append(name)
            if name in self.silent:
                continue
            if name in self.prices:
                reply: dict[str, Any] = {"result": {"index_price": self.prices[name]}}
            else:
                reply = {"error": {"code": -32602, "message": f"no index {name}"}}
            await connection.send(answered(text, **reply))
