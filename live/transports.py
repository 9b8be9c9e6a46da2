"""The TCP connection below an ASGI `send`, of either server."""

import contextlib
import socket
from typing import Any

KERNEL_BYTES = 131_072
"""Kernel send buffer of a slow client; Linux doubles it. Its own default is megabytes."""


def bound(send: Any) -> None:
    """Bound the kernel's send buffer of this connection."""
    transport = transport_of(send)
    if hasattr(transport, "get_extra_info"):
        connection = transport.get_extra_info("socket")
    else:  # Twisted; without a socket once it is disconnected
        connection = getattr(transport, "socket", None)
    if connection is not None:
        with contextlib.suppress(OSError):  # disconnected
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)


def abort(send: Any) -> None:
    """Close the connection at once, whatever is still unsent.

    An orderly close waits until the client has read everything: a stalled one would never end.
    """
    transport = transport_of(send)
    if hasattr(transport, "abortConnection"):  # Twisted
        transport.abortConnection()
    elif transport is not None:
        transport.abort()


def transport_of(send: Any) -> Any:
    """Return the transport; None where it is unknown."""
    if (protocol := getattr(send, "__self__", None)) is None:  # uvicorn: its method
        protocol = next(iter(getattr(send, "args", ())), None)  # daphne: a partial of its protocol
    return getattr(protocol, "transport", None)
