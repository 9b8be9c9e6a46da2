"""What uvicorn's WebSockets lack: an end for clients that answer no ping while they read nothing.

Uvicorn closes such a connection, but only once everything unsent has been read: never.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from live import closing

original_timeout = WebSocketsSansIOProtocol.keepalive_timeout


def keepalive_timeout(self: Any) -> None:
    """Log and cut off a client that did not answer a ping."""
    if not self.close_sent and not self.transport.is_closing():
        closing.note("ping", client=str(self.client))
    original_timeout(self)
    self.transport.abort()


def mend() -> None:
    WebSocketsSansIOProtocol.keepalive_timeout = (  # type: ignore[method-assign]  # on purpose
        keepalive_timeout
    )
