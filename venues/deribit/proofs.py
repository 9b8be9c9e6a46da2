"""How clients prove who they are: by secret, signature, token or a signed request."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from exchange.accounts import traders
from exchange.accounts.traders import AuthenticationError, Trader
from venues.deribit import tokens
from venues.deribit.errors import Code, RpcError, invalid
from venues.deribit.params import Params
from venues.deribit.signing import (
    BASIC,
    BEARER,
    SCHEME,
    basic_credentials,
    check_time,
    login_text,
    request_text,
    signed_header,
)
from venues.doors.clock import now_ms
from venues.doors.http import Request

LONGEST_KEY: Final = 64
LONGEST_TOKEN: Final = 1_024


class Proved(NamedTuple):
    """Who authenticated, and the result of public/auth."""

    trader: Trader
    result: dict[str, Any]


def authenticate(params: Params, connection: str) -> Proved:
    """Execute public/auth on a connection ("": over HTTP); raise RpcError."""
    grant_type = params.required("grant_type")
    if grant_type not in PROOFS:
        raise invalid("grant_type", f"must be one of {', '.join(PROOFS)}")
    trader, grant = PROOFS[grant_type](params, connection)
    trader = replace(trader, can_trade=grant.can_trade, signature="")
    result = tokens.issued(grant)
    if params.has("state"):
        result["state"] = params.text("state")
    return Proved(trader, result)


def exchange(params: Params, connection: str) -> Proved:
    """Execute public/exchange_token: there are no other accounts to go to; raise RpcError."""
    return authenticate(params.with_member("grant_type", "refresh_token"), connection)


def fork(params: Params, connection: str) -> Proved:
    """Execute public/fork_token: return tokens for a named session; raise RpcError."""
    name = params.required("session_name", longest=64)
    grant = tokens.read(token(params), "refresh", connection)
    trader = tokens.bearer(grant)
    forked = replace(grant, session=name, connection="", can_trade=trader.can_trade)
    return Proved(trader, tokens.issued(forked))


def by_secret(params: Params, connection: str) -> tuple[Trader, tokens.Grant]:
    key = params.required("client_id", longest=LONGEST_KEY)
    secret = params.required("client_secret")
    trader = proved(lambda: traders.by_secret(key, secret))
    return trader, tokens.granted(trader, params.text("scope"), connection)


def by_signature(params: Params, connection: str) -> tuple[Trader, tokens.Grant]:
    key = params.required("client_id", longest=LONGEST_KEY)
    given = params.required("signature")
    stamp, nonce = params.required("timestamp"), params.text("nonce")
    check_time(stamp, now_ms())
    text = login_text(stamp, nonce, params.text("data"))
    trader = proved(lambda: traders.by_signature(key, text, given))
    return trader, tokens.granted(trader, params.text("scope"), connection)


def by_refresh_token(params: Params, connection: str) -> tuple[Trader, tokens.Grant]:
    grant = tokens.read(token(params), "refresh", connection)
    return tokens.bearer(grant), grant


def token(params: Params) -> str:
    return params.required("refresh_token", longest=LONGEST_TOKEN)


PROOFS: Final[Mapping[str, Callable[[Params, str], tuple[Trader, tokens.Grant]]]] = {
    "client_credentials": by_secret,
    "client_signature": by_signature,
    "refresh_token": by_refresh_token,
}


def proved(prove: Callable[[], Trader]) -> Trader:
    """Return who proved itself; raise RpcError."""
    try:
        return prove()
    except AuthenticationError as error:
        raise RpcError(Code.CREDENTIALS, str(error)) from error


def by_token(access_token: str, connection: str) -> Trader:
    """Return who bears an access token; raise RpcError."""
    if len(access_token) > LONGEST_TOKEN:
        raise RpcError(Code.UNAUTHORIZED, f"the token has more than {LONGEST_TOKEN} characters")
    return tokens.bearer(tokens.read(access_token, "access", connection))


def by_header(request: Request) -> Trader | None:
    """Return who a request names in its header, None without one; raise RpcError."""
    header = request.headers.get("authorization", "")
    scheme = header.partition(" ")[0].lower()
    if scheme == SCHEME:
        return by_signed_request(request, header)
    if scheme == BEARER:
        return by_token(header.partition(" ")[2].strip(), "")
    if scheme == BASIC:
        key, secret = basic_credentials(header)
        return proved(lambda: traders.by_secret(key, secret))
    if header:
        reason = f"the header Authorization must begin with {SCHEME}, {BEARER} or {BASIC}"
        raise RpcError(Code.UNAUTHORIZED, reason)
    return None


def by_signed_request(request: Request, header: str) -> Trader:
    signed = signed_header(header)
    check_time(signed.ts, now_ms())
    query = f"?{request.query.decode('latin-1')}" if request.query else ""
    uri, body = f"{request.path}{query}", request.body or b""
    text = request_text(signed.ts, signed.nonce, request.method, uri, body)
    return proved(lambda: traders.by_signature(signed.id[:LONGEST_KEY], text, signed.sig))
