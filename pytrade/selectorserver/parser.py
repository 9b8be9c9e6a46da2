"""Strict HTTP/1.1 request parser: rejects anything that two parsers could read differently."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from market.integers import parse_integer

MOST_BYTES: Final = 4_096
"""Limit of a request, headers and body together."""

LARGEST_LENGTH: Final = 10**18
"""A larger Content-Length is malformed (400); one above MOST_BYTES is too large (413)."""

END_OF_HEAD: Final = b"\r\n\r\n"
REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP/1\.([01])")
HEADER: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")


class BadRequestError(ValueError):
    """A malformed request; the server answers `status` and closes the connection."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    version: str
    headers: dict[str, str]
    """Names are in lower case; repeated headers are joined with a comma."""

    body: bytes = b""

    @property
    def keep_alive(self) -> bool:
        wishes = {wish.strip().lower() for wish in self.headers.get("connection", "").split(",")}
        return "close" not in wishes and (self.version == "HTTP/1.1" or "keep-alive" in wishes)


@dataclass(frozen=True)
class Incomplete:
    """An incomplete request; `wants_continue`: the client waits for a 100 response."""

    wants_continue: bool = False


def parse(data: bytes) -> tuple[Request, int] | Incomplete:
    """Return the first request in `data` and its length, or Incomplete.

    Skips empty lines before the request (RFC 9112, 2.2). Raises BadRequestError.
    """
    skipped = len(data) - len(data.lstrip(b"\r\n"))
    end = data.find(END_OF_HEAD, skipped)
    if (len(data) if end < 0 else end + 4) - skipped > MOST_BYTES:
        raise BadRequestError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the request exceeds {MOST_BYTES} bytes"
        )
    if end < 0:
        return Incomplete()
    head = _head(data[skipped:end])
    length = _length(head)
    start = end + len(END_OF_HEAD)
    if start - skipped + length > MOST_BYTES:
        raise BadRequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the request and its body exceed {MOST_BYTES} bytes",
        )
    if len(data) < start + length:
        waits = head.headers.get("expect", "").lower() == "100-continue"
        return Incomplete(wants_continue=waits and head.version == "HTTP/1.1")
    body = data[start : start + length]
    return Request(head.method, head.target, head.version, head.headers, body), start + length


def _head(data: bytes) -> Request:
    first, *lines = data.split(b"\r\n")
    matched = REQUEST_LINE.fullmatch(first)
    if matched is None:
        if re.fullmatch(rb"\S+ \S+ HTTP/[0-9.]+", first) and b" HTTP/1." not in first:
            raise BadRequestError(
                HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "unsupported HTTP version: use HTTP/1.1"
            )
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "malformed request line")
    method, target, minor = (part.decode("latin-1") for part in matched.groups())
    headers = _headers(lines)
    if minor == "1" and "host" not in headers:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "HTTP/1.1 requests require a Host header")
    return Request(method, _origin_form(method, target), f"HTTP/1.{minor}", headers)


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        matched = HEADER.fullmatch(line)
        if matched is None:
            raise BadRequestError(HTTPStatus.BAD_REQUEST, "malformed header line")
        name, value = (part.decode("latin-1").strip(" \t") for part in matched.groups())
        name = name.lower()
        if name in headers and name in ("host", "content-length", "transfer-encoding"):
            raise BadRequestError(HTTPStatus.BAD_REQUEST, f"duplicate header: {name}")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _origin_form(method: str, target: str) -> str:
    """Return the target as path and query; the absolute form for proxies loses its host."""
    if absolute := re.match(r"(?i)https?://[^/?#]+", target):
        rest = target[absolute.end() :]
        target = rest if rest.startswith("/") else f"/{rest}"
    if not (target.startswith("/") or (target == "*" and method == "OPTIONS")):
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "the request target is not a path")
    return target


def _length(request: Request) -> int:
    if "transfer-encoding" in request.headers:
        raise BadRequestError(
            HTTPStatus.NOT_IMPLEMENTED, "chunked bodies are not supported: use Content-Length"
        )
    text = request.headers.get("content-length", "0")
    try:
        return parse_integer(text, 0, LARGEST_LENGTH)
    except ValueError as error:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, f"Content-Length: {error}") from None
