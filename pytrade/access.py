"""Read access: public, or with READS_PUBLIC=off only with a session, a token or an API key.

Write access is checked where writes happen: staff only (indicators/runs_api.py, the admin).
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication

from exchange.accounts.traders import Trader
from exchange.http.authentication import trader_of_key
from web.problems import problem

ALWAYS_PUBLIC = re.compile(r"/(livez|readyz|health|admin/.*|login/|api/v1/auth/.*)")  # logins
FOR_PROGRAMS = re.compile(r"/(api/v[12]|api/schema|udf|metrics)\b")
DETAIL = "reads require a session, a token or an API key: see docs/security.md"


class ReadersMiddleware:
    """Rejects unauthenticated reads: API clients get 401, browsers are redirected to the login."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.READS_PUBLIC or ALWAYS_PUBLIC.fullmatch(request.path):
            return self.get_response(request)
        reader = request.user if request.user.is_authenticated else token_user(request)
        reader = reader or key_trader(request)
        if reader is not None:
            request.reader = reader  # type: ignore[attr-defined]  # for pytrade/throttling.py
            return self.get_response(request)
        if not FOR_PROGRAMS.match(request.path):
            return redirect_to_login(request.get_full_path(), "login")
        response = problem(HTTPStatus.UNAUTHORIZED, DETAIL)
        response["WWW-Authenticate"] = TokenAuthentication.keyword
        return response


def token_user(request: Any) -> Any:
    """Return the user of the token in a request, or None without a valid token."""
    for scheme in (TokenAuthentication, JWTAuthentication):
        try:
            found = scheme().authenticate(request)
        except AuthenticationFailed:
            continue
        if found is not None:
            return found[0]
    return None


def key_trader(request: HttpRequest) -> Trader | None:
    """Return who proves an API key in a request, or None without a valid one."""
    try:
        return trader_of_key(request)
    except AuthenticationFailed:
        return None


class SocketReaders:
    """The same for WebSockets: unauthenticated handshakes get HTTP 403."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._with_session = AuthMiddlewareStack(self._check)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if settings.READS_PUBLIC:
            return await self._application(scope, receive, send)
        return await self._with_session(scope, receive, send)

    async def _check(self, scope: Any, receive: Any, send: Any) -> Any:
        if scope["user"].is_authenticated or await token_of(scope):
            return await self._application(scope, receive, send)
        await receive()  # websocket.connect
        return await send({"type": "websocket.close"})


@database_sync_to_async  # type: ignore[untyped-decorator]  # Channels ships no types
def token_of(scope: Any) -> Any:
    request = HttpRequest()
    header = dict(scope["headers"]).get(b"authorization", b"")
    request.META["HTTP_AUTHORIZATION"] = header.decode("latin-1")
    return token_user(request)
