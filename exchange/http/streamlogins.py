"""How clients of the stream log in: with an API key, or by the headers of their handshake."""

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.http.cookie import parse_cookie
from django.utils import timezone
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from exchange.accounts import submission, traders
from exchange.accounts.signatures import stream_text
from exchange.accounts.traders import AuthenticationError, NoAccountError, Trader
from exchange.http.authentication import trader_of_key
from exchange.models import ApiKey, Order
from live.logins import Login, LoginError

LATEST_S: Final = 3_600
"""How far ahead a signature may expire."""


class KeyLogin:
    """A socket of an API key. The last one may cancel all orders when it disconnects."""

    _sockets: Counter[int] = Counter()
    _lock = threading.Lock()

    def __init__(self, trader: Trader, key: ApiKey) -> None:
        self.trader, self.key = trader, key
        with self._lock:
            self._sockets[key.pk] += 1

    @property
    def account(self) -> int:
        return self.trader.account.pk

    def disconnected(self) -> None:
        with self._lock:
            self._sockets[self.key.pk] -= 1
            is_last = self._sockets[self.key.pk] <= 0
            if is_last:
                del self._sockets[self.key.pk]
        if is_last and ApiKey.objects.filter(pk=self.key.pk, cancel_on_disconnect=True).exists():
            cancel_everything(self.trader)


class SessionLogin:
    """A socket of a session or of a token."""

    def __init__(self, trader: Trader, session_key: str | None) -> None:
        self.trader, self.session_key = trader, session_key

    @property
    def account(self) -> int:
        return self.trader.account.pk

    def disconnected(self) -> None:
        """Do nothing: orders of people outlive the page."""


class StreamLogins:
    """live.logins.Authentication."""

    def by_key(self, key: str, expires_ms: int, signature: str) -> KeyLogin:
        now_ms = timezone.now().timestamp() * 1000
        if not now_ms < expires_ms <= now_ms + LATEST_S * 1000:
            raise LoginError(
                f"{expires_ms} is not in the coming hour: give the time in epoch milliseconds "
                "until which the signature is valid"
            )
        try:
            trader = traders.by_signature(key, stream_text(expires_ms), signature)
        except AuthenticationError as error:
            raise LoginError(str(error)) from error
        assert trader.key is not None  # noqa: S101  # it signed
        return KeyLogin(trader, trader.key)

    def by_handshake(self, headers: Sequence[tuple[bytes, bytes]], account: str) -> Login | None:
        request = request_of(headers)
        try:
            if (trader := trader_of_key(request)) is not None and trader.key is not None:
                return KeyLogin(trader, trader.key)
            if (found := TokenAuthentication().authenticate(request)) is not None:
                return SessionLogin(traders.by_user(found[0], account), None)
            trader = traders.by_session(request.session, get_user(request), account)
        except (AuthenticationFailed, NoAccountError):
            return None
        return SessionLogin(trader, request.session.session_key)

    def ended(self, logins: Iterable[Login]) -> list[Login]:
        """Return the logins of revoked keys and of sessions that ended."""
        logins = list(logins)
        keys = {each.key.pk for each in logins if isinstance(each, KeyLogin)}
        sessions = {each.session_key for each in logins if isinstance(each, SessionLogin)} - {None}
        valid = set(ApiKey.objects.valid().filter(pk__in=keys).values_list("pk", flat=True))
        lasting = set(
            Session.objects.filter(
                session_key__in=sessions, expire_date__gt=timezone.now()
            ).values_list("session_key", flat=True)
        )
        return [
            each
            for each in logins
            if (isinstance(each, KeyLogin) and each.key.pk not in valid)
            or (isinstance(each, SessionLogin) and each.session_key in sessions - lasting)
        ]


def request_of(headers: Sequence[tuple[bytes, bytes]]) -> HttpRequest:
    """Return the headers of a handshake as a request with its session."""
    found = {name.lower(): value.decode("latin-1") for name, value in headers}
    request = HttpRequest()
    request.META["HTTP_AUTHORIZATION"] = found.get(b"authorization", "")
    request.COOKIES = parse_cookie(found.get(b"cookie", ""))
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return request


def cancel_everything(trader: Trader) -> None:
    """Cancel the open orders of an account, if it has any."""
    if Order.objects.open().filter(account=trader.account).exists():
        submission.cancel_all(submission.Sender(account=trader.account))
