"""HTTP of a door: requests and answers as bytes, answered one per thread."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

from venues.doors.application import PATH

MOST_BYTES: Final = 65_536
"""Of a body."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as received; names of headers are in lower case, `query` is the raw text.

    `body` is None if it is larger than MOST_BYTES.
    """

    method: str
    path: str
    query: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = b""
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpDoor:
    """An ASGI application that calls `answer` in one of WEB_THREADS threads."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self._answer = answer
        self._threads = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="door")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, is_gone = await read_body(receive)
        if is_gone:
            return
        request = received(scope, body)
        call = sync_to_async(self._answered, thread_sensitive=False, executor=self._threads)
        await reply(await call(request), send)

    def _answered(self, request: Request) -> Answer:
        try:
            return self._answer(request)
        finally:
            close_old_connections()


async def read_body(receive: Any) -> tuple[bytes | None, bool]:
    """Return the body, None if it is too large, and whether the client disconnected."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None, True
        part = message.get("body", b"")
        size += len(part)
        if size <= MOST_BYTES:
            parts.append(part)
        if not message.get("more_body", False):
            return (b"".join(parts) if size <= MOST_BYTES else None), False


def received(scope: Any, body: bytes | None) -> Request:
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    return Request(
        method=scope["method"],
        path=scope[PATH],
        query=scope.get("query_string", b""),
        headers=headers,
        body=body,
        address=address_of(scope, headers),
    )


def address_of(scope: Any, headers: Mapping[str, str]) -> str:
    """Return the address of a client; with PROXY_HEADERS, the one that the proxy saw."""
    forwarded = headers.get("x-forwarded-for", "")
    if settings.PROXY_HEADERS and forwarded:
        return forwarded.rpartition(",")[2].strip()
    client = scope.get("client")
    return str(client[0]) if client else ""


async def reply(answer: Answer, send: Any) -> None:
    headers = {**answer.headers, "Content-Length": str(len(answer.body))}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": answer.body})
