"""Patch of uvicorn: a request whose head is too large gets 431; httptools has no limit itself."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BYTES = 32_768
"""Largest head, not counting the first block that the event loop reads (at most 256 KiB)."""
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)

original_data_received = HttpToolsProtocol.data_received


def data_received(self: Any, data: bytes) -> None:
    """Parse `data`; reject the request if its head has been growing for too long."""
    before = self.scope
    original_data_received(self, data)
    if self.transport.is_closing() or self.scope is not before or "method" in (before or ()):
        self.head_bytes = 0  # another request has begun, or the head is complete
        return
    self.head_bytes += len(data)
    if self.head_bytes > MOST_BYTES:
        self.transport.write(TOO_LARGE)
        self.transport.close()


def patch() -> None:
    HttpToolsProtocol.head_bytes = 0  # type: ignore[attr-defined]  # of all instances at first
    HttpToolsProtocol.data_received = data_received  # type: ignore[method-assign]  # on purpose
