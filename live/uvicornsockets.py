"""Patch of uvicorn's WebSockets: disconnect clients that neither answer pings nor read.

Uvicorn closes such a connection only once the client has read everything: never.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from live import closing

original_timeout = WebSocketsSansIOProtocol.keepalive_timeout


def keepalive_timeout(self: Any) -> None:
    """Log and disconnect a client that did not answer a ping."""
    if not self.close_sent and not self.transport.is_closing():
        closing.note("ping", client=str(self.client))
    original_timeout(self)
    self.transport.abort()


def patch() -> None:
    WebSocketsSansIOProtocol.keepalive_timeout = (  # type: ignore[method-assign]  # on purpose
        keepalive_timeout
    )
