"""Call a WSGI application with a parsed request and encode its response."""

import io
import sys
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication

from pytrade.selectorserver.parser import Request

BODILESS = (204, 304)


class Answer(NamedTuple):
    """An encoded response, and whether the connection stays open for another request."""

    data: bytes
    keep_alive: bool


def environ(request: Request, server: tuple[str, int], client: str) -> dict[str, Any]:
    """Return the WSGI environment (PEP 3333) of a request."""
    path, _, query = request.target.partition("?")
    path = "/" if path == "*" else path
    made: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": request.version,
        "REMOTE_ADDR": client,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if "_" in name:  # ambiguous: its WSGI name equals that of the header with a dash
            continue
        key = name.upper().replace("-", "_")
        made[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return made


class Exchange:
    """One call of the application for one request; call `answer()` once."""

    def __init__(self, request: Request, last: bool) -> None:
        self._request = request
        self._keep_alive = request.keep_alive and not last
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._written: list[bytes] = []

    def answer(self, application: WSGIApplication, environ: dict[str, Any]) -> Answer:
        """Call the application and return its complete response."""
        chunks = application(environ, self._start_response)
        try:
            returned = list(chunks)  # the application may call write() while it is iterated
            body = b"".join([*self._written, *returned])
        finally:
            close: Callable[[], None] | None = getattr(chunks, "close", None)
            if close is not None:
                close()
        if not self._status:
            raise RuntimeError("the application returned without calling start_response")
        return Answer(self._framed(body), self._keep_alive)

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        if self._status and exc_info is None:
            raise RuntimeError("the application called start_response twice")
        self._status, self._headers = status, list(headers)
        return self._written.append

    def _framed(self, body: bytes) -> bytes:
        has_body = int(self._status[:3]) not in BODILESS
        headers = [pair for pair in self._headers if pair[0].lower() not in ("connection", "date")]
        if has_body and not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(body))))
        head = head_bytes(self._status, headers, self._keep_alive)
        return head + body if has_body and self._request.method != "HEAD" else head


def head_bytes(status: str, headers: list[tuple[str, str]], keep_alive: bool) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    lines.append(f"Date: {formatdate(usegmt=True)}")
    lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def refusal(status: HTTPStatus, reason: str) -> bytes:
    """Return a complete plain-text response that closes the connection."""
    body = f"{reason}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("Retry-After", "1"))
    return head_bytes(f"{status.value} {status.phrase}", headers, keep_alive=False) + body
