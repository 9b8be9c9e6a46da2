"""Logins by JSON web token: obtain, refresh, verify; change of password."""

from typing import Any, ClassVar, Final

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import authenticate, password_validation, user_logged_in
from django.core.exceptions import ValidationError as InvalidError
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework_simplejwt.tokens import RefreshToken

from exchange.http.tables import exact_json, problems
from trading.http.authentication import RoleView, refreshed, verified
from trading.passwords import change_password
from trading.roles import Role
from web.bodies import Body

LONGEST: Final = 4_096
LONGEST_NAME: Final = 150
"""Of a user. PostgreSQL cannot note a failed login under a name that exceeds 255 characters."""
WRONG: Final = "user name or password is wrong"


def texts(*names: str) -> dict[str, Any]:
    """Return the schema of an object of texts."""
    text = {"type": "string", "minLength": 1, "maxLength": LONGEST}
    return {
        "type": "object",
        "required": list(names),
        "additionalProperties": False,
        "properties": dict.fromkeys(names, text),
    }


def read(data: Any, *names: str) -> list[str]:
    """Return the texts of a body; raise ValidationError."""
    body = Body(data, names)
    found = [data.get(name) for name in names]
    for name, value in zip(names, found, strict=True):
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST or "\0" in value:
            body.refuse(name, f"must be a text of 1 to {LONGEST} characters")
    body.check()
    return [str(value) for value in found]


def checked(request: Any, username: str, password: str) -> Any:
    """Return the user who knows a password; raise AuthenticationFailed or Throttled."""
    plain = request._request
    if len(username) > LONGEST_NAME:
        raise AuthenticationFailed(WRONG)
    user = authenticate(plain, username=username, password=password)
    if user is not None:
        return user
    if AxesProxyHandler.is_locked(plain, {"username": username}):
        wait_s = settings.AXES_COOLOFF_TIME.total_seconds()
        raise Throttled(wait_s, "too many failed logins")
    raise AuthenticationFailed(WRONG)


class OpenView(RoleView):
    """A view whose body proves who asks."""

    authentication_classes: ClassVar[list[Any]] = []
    permission_classes: ClassVar[list[Any]] = []

    def get_authenticate_header(self, request: Any) -> str:
        return "Bearer"  # without it, DRF would answer 403 instead of 401


class TokenView(OpenView):
    @extend_schema(
        operation_id="token_obtain",
        tags=["auth"],
        auth=[],
        request={"application/json": texts("username", "password")},
        responses={
            (200, "application/json"): texts("access", "refresh"),
            **problems(400, 401, 429, 503),
        },
    )
    def post(self, request: Any) -> HttpResponse:
        """Log in: an access token for some minutes, and a refresh token for a day."""
        user = checked(request, *read(request.data, "username", "password"))
        user_logged_in.send(type(user), request=request._request, user=user)
        token = RefreshToken.for_user(user)
        return exact_json({"access": str(token.access_token), "refresh": str(token)})


class RefreshView(OpenView):
    @extend_schema(
        operation_id="token_refresh",
        tags=["auth"],
        auth=[],
        request={"application/json": texts("refresh")},
        responses={(200, "application/json"): texts("access"), **problems(400, 401, 429, 503)},
    )
    def post(self, request: Any) -> HttpResponse:
        """A new access token, unless the password has changed since the login."""
        (token,) = read(request.data, "refresh")
        return exact_json({"access": refreshed(token)})


class VerifyView(OpenView):
    @extend_schema(
        operation_id="token_verify",
        tags=["auth"],
        auth=[],
        request={"application/json": texts("token")},
        responses={(200, "application/json"): texts("username"), **problems(400, 401, 429, 503)},
    )
    def post(self, request: Any) -> HttpResponse:
        """Whether an access token is valid, and whose it is."""
        (token,) = read(request.data, "token")
        return exact_json({"username": verified(token).get_username()})


class PasswordView(RoleView):
    writes_need = Role.VIEWER

    @extend_schema(
        operation_id="password_change",
        tags=["auth"],
        request={"application/json": texts("old_password", "new_password")},
        responses={204: None, **problems(400, 401, 403, 429, 503)},
    )
    def post(self, request: Any) -> HttpResponse:
        """Change the password; all tokens and other sessions of the user end."""
        old, new = read(request.data, "old_password", "new_password")
        user = checked(request, request.user.get_username(), old)
        body = Body({}, ())
        try:
            password_validation.validate_password(new, user)
        except InvalidError as error:
            for text in error.messages:
                body.refuse("new_password", text)
        body.check()
        change_password(request._request, user, new)
        return HttpResponse(status=204)
