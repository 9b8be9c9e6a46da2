"""Patch of uvicorn: a server that ends does not wait for event streams, which never end."""

import asyncio
import socket
from typing import Final

from uvicorn import Server

LINGER_S: Final = 1.0
"""Time to finish requests at shutdown; then connections are aborted."""

original_shutdown = Server.shutdown


async def shutdown(self: Server, sockets: list[socket.socket] | None = None) -> None:
    asyncio.get_running_loop().call_later(LINGER_S, cut_off, self)
    await original_shutdown(self, sockets)


def cut_off(server: Server) -> None:
    for connection in tuple(server.server_state.connections):
        connection.transport.abort()


def patch() -> None:
    Server.shutdown = shutdown  # type: ignore[method-assign]  # on purpose
