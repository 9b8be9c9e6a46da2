"""What clients of Deribit sign: hexadecimal HMAC-SHA256 with the client secret. Pure."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Final, NamedTuple

from market.integers import parse_integer
from venues.deribit.errors import Code, RpcError

SCHEME: Final = "deri-hmac-sha256"
BEARER: Final = "bearer"
BASIC: Final = "basic"
WINDOW_MS: Final = 60_000
"""How far the time of a signature may be from that of the door."""
LONGEST: Final = 256


class SignedHeader(NamedTuple):
    """The members of `Authorization: deri-hmac-sha256 id=...,ts=...,sig=...,nonce=...`."""

    id: str
    ts: str
    sig: str
    nonce: str


def login_text(timestamp: str, nonce: str, data: str) -> bytes:
    """Return what `client_signature` signs."""
    return f"{timestamp}\n{nonce}\n{data}".encode()


def request_text(timestamp: str, nonce: str, method: str, uri: str, body: bytes) -> bytes:
    """Return what a signed HTTP request signs; `uri` is path?query from /api/v2 on, as sent."""
    return f"{timestamp}\n{nonce}\n{method.upper()}\n{uri}\n".encode() + body + b"\n"


def signed_header(text: str) -> SignedHeader:
    """Return the members of a header of SCHEME; raise RpcError."""
    pairs = (part.strip().partition("=") for part in text.partition(" ")[2].split(","))
    found: Mapping[str, str] = {name: value for name, _, value in pairs}
    if missing := [name for name in SignedHeader._fields if not found.get(name)]:
        reason = f"the header {SCHEME} has no {', '.join(missing)}"
        raise RpcError(Code.UNAUTHORIZED, reason)
    return SignedHeader(*(found[name][:LONGEST] for name in SignedHeader._fields))


def basic_credentials(text: str) -> tuple[str, str]:
    """Return client_id and client_secret of a header of BASIC; raise RpcError."""
    try:
        given = b64decode(text.partition(" ")[2], validate=True).decode()
    except ValueError:
        given = ""
    key, _, secret = given.partition(":")
    if not key or not given.isprintable():  # databases refuse some characters
        raise RpcError(Code.UNAUTHORIZED, "the header Basic holds no client_id:client_secret")
    return key[:LONGEST], secret[:LONGEST]


def check_time(timestamp: str, now_ms: int) -> None:
    """Raise RpcError unless a signature was made now."""
    try:
        at = parse_integer(timestamp, 0, 10**14)
    except ValueError as error:
        raise RpcError(Code.CREDENTIALS, f"timestamp: {error}") from None
    if abs(now_ms - at) > WINDOW_MS:
        reason = f"timestamp {at} is more than {WINDOW_MS} ms from {now_ms}, the time here"
        raise RpcError(Code.CREDENTIALS, reason)
