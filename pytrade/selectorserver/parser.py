"""HTTP/1.1 requests from bytes, strictly: what two readers could read differently is refused."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from market.integers import parse_integer

MOST_BYTES: Final = 4_096
"""Of a request: its head and its body together."""

LARGEST_LENGTH: Final = 10**18
"""A larger Content-Length is a mistake; one beyond MOST_BYTES is only too large."""

END_OF_HEAD: Final = b"\r\n\r\n"
REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP/1\.([01])")
HEADER: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")


class BadRequestError(ValueError):
    """A request that is answered with `status` and an end of the connection."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    version: str
    headers: dict[str, str]
    """Names in small letters; several of one name are joined by a comma."""

    body: bytes = b""

    @property
    def keep_alive(self) -> bool:
        wishes = {wish.strip().lower() for wish in self.headers.get("connection", "").split(",")}
        return "close" not in wishes and (self.version == "HTTP/1.1" or "keep-alive" in wishes)


@dataclass(frozen=True)
class Incomplete:
    """More bytes are wanted; `wants_continue`: the client waits for 100 before it sends them."""

    wants_continue: bool = False


def parse(data: bytes) -> tuple[Request, int] | Incomplete:
    """Return the first request in `data` and its length, or that it is incomplete.

    Raise BadRequestError. Empty lines before a request are skipped (RFC 9112, 2.2).
    """
    skipped = len(data) - len(data.lstrip(b"\r\n"))
    end = data.find(END_OF_HEAD, skipped)
    if (len(data) if end < 0 else end + 4) - skipped > MOST_BYTES:
        raise BadRequestError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"a request has at most {MOST_BYTES} bytes"
        )
    if end < 0:
        return Incomplete()
    head = _head(data[skipped:end])
    length = _length(head)
    start = end + len(END_OF_HEAD)
    if start - skipped + length > MOST_BYTES:
        raise BadRequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"a request has at most {MOST_BYTES} bytes, with its body",
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
            raise BadRequestError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here")
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "the first line is no request line")
    method, target, minor = (part.decode("latin-1") for part in matched.groups())
    headers = _headers(lines)
    if minor == "1" and "host" not in headers:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "a request of HTTP/1.1 names its Host")
    return Request(method, _origin_form(method, target), f"HTTP/1.{minor}", headers)


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        matched = HEADER.fullmatch(line)
        if matched is None:
            raise BadRequestError(HTTPStatus.BAD_REQUEST, "a line of the head is no header")
        name, value = (part.decode("latin-1").strip(" \t") for part in matched.groups())
        name = name.lower()
        if name in headers and name in ("host", "content-length", "transfer-encoding"):
            raise BadRequestError(HTTPStatus.BAD_REQUEST, f"the header {name} is there twice")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _origin_form(method: str, target: str) -> str:
    """Return the target as a path with its query; a proxy's absolute form loses its host."""
    if absolute := re.match(r"(?i)https?://[^/?#]+", target):
        rest = target[absolute.end() :]
        target = rest if rest.startswith("/") else f"/{rest}"
    if not (target.startswith("/") or (target == "*" and method == "OPTIONS")):
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "the target is no path")
    return target


def _length(request: Request) -> int:
    if "transfer-encoding" in request.headers:
        raise BadRequestError(
            HTTPStatus.NOT_IMPLEMENTED, "a body comes with Content-Length here, not chunked"
        )
    text = request.headers.get("content-length", "0")
    try:
        return parse_integer(text, 0, LARGEST_LENGTH)
    except ValueError as error:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, f"Content-Length: {error}") from None
