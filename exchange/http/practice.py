"""Practice accounts, which visitors of the site open for their sessions."""

import secrets
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.middleware.csrf import get_token
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from exchange.accounts.amounts import money
from exchange.accounts.opening import open_account
from exchange.accounts.traders import SESSION_ACCOUNT, NoAccountError, Trader, by_session
from exchange.http.accounts import ACCOUNT_SCHEMA, account_json
from exchange.http.limits import PRACTICE_LIMITS
from exchange.http.tables import exact_json, problems
from exchange.kinds import MONEY_UNITS
from web.bodies import Body, ExactJSONParser
from web.views import AnyClient

BALANCE: Final = 10_000 * MONEY_UNITS
OFFER_SCHEMA: Final = {
    "type": "object",
    "required": ["is_available", "balance"],
    "properties": {"is_available": {"type": "boolean"}, "balance": {"type": "number"}},
}


class Visitor(SessionAuthentication):  # type: ignore[misc]  # REST framework ships no types
    """Anyone whose browser read a page of the site, which gave it a CSRF token."""

    def authenticate(self, request: Any) -> None:
        self.enforce_csrf(request)


class PracticeView(APIView):  # type: ignore[misc]  # REST framework ships no types
    authentication_classes: ClassVar[list[Any]] = [Visitor]
    throttle_classes: ClassVar[list[Any]] = PRACTICE_LIMITS
    parser_classes: ClassVar[list[Any]] = [ExactJSONParser]
    content_negotiation_class = AnyClient
    renderer_classes: ClassVar[list[Any]] = [JSONRenderer]

    @extend_schema(
        operation_id="practice_read",
        tags=["trading"],
        auth=[],
        responses={(200, "application/json"): OFFER_SCHEMA, **problems(401, 429, 503)},
    )
    def get(self, request: Any) -> HttpResponse:
        """Whether visitors may open practice accounts; sets the CSRF cookie that they need."""
        get_token(request._request)
        return exact_json({"is_available": settings.PRACTICE_ACCOUNTS, "balance": money(BALANCE)})

    @extend_schema(
        operation_id="practice_open",
        tags=["trading"],
        request={"application/json": {"type": "object", "additionalProperties": False}},
        responses={
            (200, "application/json"): ACCOUNT_SCHEMA,
            (201, "application/json"): ACCOUNT_SCHEMA,
            **problems(400, 401, 403, 429, 503),
        },
    )
    def post(self, request: Any) -> HttpResponse:
        """Open an account with 10,000 for this session, or answer the one that it has."""
        Body(request.data, ()).check()
        if not settings.PRACTICE_ACCOUNTS:
            raise PermissionDenied("practice accounts are switched off on this site")
        plain = request._request
        user = get_user(plain)
        if (found := account_of_session(plain.session, user)) is not None:
            return exact_json(account_json(found))
        account = open_account(
            name=f"practice {secrets.token_hex(4)}",
            balance=BALANCE,
            owner=user if isinstance(user, User) else None,
            is_practice=True,
        )
        plain.session[SESSION_ACCOUNT] = account.pk
        return exact_json(account_json(Trader(account=account, via="session")), 201)


def account_of_session(session: Any, user: Any) -> Trader | None:
    """Return the account that this session opened, None where it has none."""
    if SESSION_ACCOUNT not in session:
        return None
    try:
        return by_session(session, user)
    except NoAccountError:  # it was deleted
        return None
