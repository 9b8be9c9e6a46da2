"""Connections of the server in this process."""

import contextlib
import socket
from typing import Any

from live.webserver import WebServer


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Never called: nothing is sent."""


def test_connections_send_at_once() -> None:
    server = WebServer("127.0.0.1", 0, application)
    with contextlib.closing(server.loop), server._socket as listener:
        with socket.create_connection(server.address):
            connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
