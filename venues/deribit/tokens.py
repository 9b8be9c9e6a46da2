"""Access tokens: signed statements of who may do what, and where. Nothing is stored.

A token of scope `connection` is valid only on the connection that asked for it, so it dies with
it. One of scope `session:NAME` is valid everywhere until it expires. Both die with their API key.
"""

import secrets
from dataclasses import dataclass
from typing import Any, Final

from django.core import signing

from exchange.accounts.knownkeys import known_keys
from exchange.accounts.traders import Trader
from market.integers import parse_integer
from venues.deribit.errors import Code, RpcError, invalid

ACCESS_S: Final = 86_400
REFRESH_S: Final = 30 * 86_400
SALT: Final = "venues.deribit.tokens"
CONNECTION: Final = "connection"
SESSION: Final = "session:"
READ_ONLY: Final = ("trade:read", "trade:none")


@dataclass(frozen=True)
class Grant:
    """What a token says; `connection` is "" if it is valid everywhere."""

    key: str
    session: str
    connection: str
    can_trade: bool
    lasts_s: int = ACCESS_S

    @property
    def scope(self) -> str:
        trade = "trade:read_write" if self.can_trade else "trade:read"
        where = CONNECTION if self.connection else f"{SESSION}{self.session}"
        return f"account:read block_trade:none {where} {trade} wallet:none"


def granted(trader: Trader, scope: str, connection: str) -> Grant:
    """Return what is granted to who proved itself and asks for a scope; raise RpcError.

    Over HTTP, where `connection` is "", a session gets a name.
    """
    if trader.key is None:
        raise RpcError(Code.CREDENTIALS)
    words = scope.split()
    named = [word.removeprefix(SESSION) for word in words if word.startswith(SESSION)]
    can_trade = trader.can_trade and not any(word in READ_ONLY for word in words)
    if named or not connection:
        session = named[0] if named else f"rest-{secrets.token_urlsafe(6)}"
        return Grant(trader.key.key, session, "", can_trade, lifetime(words))
    return Grant(trader.key.key, "", connection, can_trade, lifetime(words))


def lifetime(words: list[str]) -> int:
    """Return the seconds of `expires:N` in a scope; raise RpcError."""
    for word in words:
        if word.startswith("expires:"):
            try:
                return parse_integer(word.removeprefix("expires:"), 1, ACCESS_S)
            except ValueError as error:
                raise invalid("scope", f"expires: {error}") from None
    return ACCESS_S


def issued(grant: Grant) -> dict[str, Any]:
    """Return the result of public/auth."""
    return {
        "access_token": written(grant, "access"),
        "expires_in": grant.lasts_s,
        "refresh_token": written(grant, "refresh"),
        "scope": grant.scope,
        "token_type": "bearer",
        "enabled_features": [],
        "sid": grant.connection or grant.session,
    }


def written(grant: Grant, use: str) -> str:
    said = [use, grant.key, grant.session, grant.connection, grant.can_trade, grant.lasts_s]
    return signing.dumps([*said, secrets.token_hex(4)], salt=SALT)


def read(token: str, use: str, connection: str) -> Grant:
    """Return what a token grants on a connection ("": over HTTP); raise RpcError."""
    try:
        said = signing.loads(token, salt=SALT, max_age=REFRESH_S)
        grant = Grant(*said[1:6])
        if use == "access":
            signing.loads(token, salt=SALT, max_age=grant.lasts_s)
    except signing.SignatureExpired:
        raise RpcError(Code.UNAUTHORIZED, "the token has expired") from None
    except signing.BadSignature:
        raise RpcError(Code.UNAUTHORIZED, "the token is not one of this site") from None
    if said[0] != use:
        raise RpcError(Code.UNAUTHORIZED, f"this is no {use} token")
    if grant.connection and grant.connection != connection:
        reason = "a token of scope connection is valid only on the connection that asked for it"
        raise RpcError(Code.UNAUTHORIZED, reason)
    return grant


def bearer(grant: Grant) -> Trader:
    """Return who bears a token whose API key is still valid; raise RpcError."""
    known = known_keys.find(grant.key)
    if known is None:
        raise RpcError(Code.UNAUTHORIZED, "the API key of this token was revoked")
    return Trader(
        account=known.key.account,
        can_trade=known.key.can_trade and grant.can_trade,
        key=known.key,
        via="token",
    )
