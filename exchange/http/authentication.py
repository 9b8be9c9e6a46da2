"""Authentication of requests for an account: API key, signature, token or session."""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission

from exchange.accounts import traders
from exchange.accounts.signatures import request_text
from exchange.accounts.traders import ACCOUNT_HEADER, AuthenticationError, NoAccountError, Trader
from market.integers import parse_integer

LATEST_MS: Final = 10**14
LONGEST_KEY: Final = 256
CHALLENGE: Final[str] = TokenAuthentication.keyword
"""Not Basic, for which browsers would ask visitors for a password."""


class KeyAuthentication(BaseAuthentication):  # type: ignore[misc]  # REST framework ships no types
    """HTTP Basic with API key and secret, or a signature in headers."""

    def authenticate(self, request: Any) -> tuple[Trader, None] | None:
        trader = trader_of_key(request._request)
        return None if trader is None else (trader, None)

    def authenticate_header(self, request: Any) -> str:
        return CHALLENGE


class TokenOfOwner(TokenAuthentication):  # type: ignore[misc]  # REST framework ships no types
    """The token of a user who owns the account."""

    def authenticate(self, request: Any) -> tuple[Trader, Any] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        user, token = found
        return owned(lambda: traders.by_user(user, named(request))), token


class SessionOfAccount(SessionAuthentication):  # type: ignore[misc]  # REST framework ships no types
    """A session with a practice account, or of a user who owns an account."""

    def authenticate(self, request: Any) -> tuple[Trader, None] | None:
        plain = request._request
        user = getattr(plain, "user", AnonymousUser())
        if not user.is_authenticated and traders.SESSION_ACCOUNT not in plain.session:
            return None
        self.enforce_csrf(request)
        return owned(lambda: traders.by_session(plain.session, user, named(request))), None


def owned(find: Callable[[], Trader]) -> Trader:
    try:
        return find()
    except NoAccountError as error:
        raise PermissionDenied(str(error)) from error


def named(request: HttpRequest) -> str:
    return request.headers.get(ACCOUNT_HEADER, "")


def trader_of_key(request: HttpRequest) -> Trader | None:
    """Return who proves an API key, None without one; raise AuthenticationFailed.

    Checked once for each request: middleware may ask before the view does.
    """
    if not hasattr(request, "trader_of_key"):
        try:
            request.trader_of_key = _signed(request) or _basic(request)  # type: ignore[attr-defined]  # kept for later callers
        except AuthenticationError as error:
            raise AuthenticationFailed(str(error)) from error
    found: Trader | None = getattr(request, "trader_of_key", None)
    return found


def _basic(request: HttpRequest) -> Trader | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise AuthenticationError("Authorization: Basic needs base64 of KEY:SECRET") from None
    return traders.by_secret(key[:LONGEST_KEY], secret)


def _signed(request: HttpRequest) -> Trader | None:
    headers = request.headers
    if "X-API-Key" not in headers:
        return None
    timestamp, signature = headers.get("X-API-Timestamp", ""), headers.get("X-API-Signature", "")
    if not timestamp or not signature:
        raise AuthenticationError("X-API-Key needs X-API-Timestamp and X-API-Signature beside it")
    try:
        traders.check_window(parse_integer(timestamp, 0, LATEST_MS))
    except AuthenticationError:
        raise
    except ValueError as error:
        raise AuthenticationError(f"X-API-Timestamp: {error}: use epoch milliseconds") from None
    text = request_text(timestamp, request.method or "", target(request), request.body)
    return traders.by_signature(headers["X-API-Key"][:LONGEST_KEY], text, signature)


def target(request: HttpRequest) -> str:
    """Return path?query as the client sent it."""
    scope = getattr(request, "scope", {})
    if "raw_path" not in scope:
        return request.get_full_path()
    query = scope.get("query_string", b"").decode("latin-1")
    path = scope["raw_path"].partition(b"?")[0].decode("latin-1")
    return f"{path}?{query}" if query else path


class ForTraders(BasePermission):  # type: ignore[misc]  # REST framework ships no types
    """Reads and writes need an account; writes also the permission to trade."""

    message = "this API key may only read"

    def has_permission(self, request: Any, view: Any) -> bool:
        if not isinstance(request.user, Trader):
            return False  # 401: nothing was proved
        return request.method in SAFE_METHODS or request.user.can_trade


ACCESS: Final[list[Any]] = [KeyAuthentication, TokenOfOwner, SessionOfAccount]
