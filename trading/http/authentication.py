"""Who asks: by JSON web token, token or session; and what they may do."""

from typing import Any, ClassVar, Final

from django.contrib.auth.models import User
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from trading.roles import Role, role_of
from trading.tracing import span, trace_of, traced
from web.bodies import ExactJSONParser
from web.views import AnyClient


def user_of_token(kind: type[Token], text: str) -> User:
    """Return the user of a JSON web token; raise AuthenticationFailed.

    It is refused once it has expired, or its user changed the password or is not active any more.
    """
    try:
        token = kind(text)  # type: ignore[arg-type]  # text is what it takes
    except TokenError as error:
        raise AuthenticationFailed(str(error)) from error
    user: Any = JWTAuthentication().get_user(token)
    found: User = user
    return found


def refreshed(text: str) -> str:
    """Return a new access token; raise AuthenticationFailed."""
    user_of_token(RefreshToken, text)
    return str(RefreshToken(text).access_token)  # type: ignore[arg-type]  # text is what it takes


def verified(text: str) -> User:
    """Return the user of an access token; raise AuthenticationFailed."""
    return user_of_token(AccessToken, text)


class ForRoles(BasePermission):  # type: ignore[misc]  # REST framework ships no types
    """Reads need a login; writes need the role that the view names."""

    def has_permission(self, request: Any, view: Any) -> bool:
        least = Role.VIEWER if request.method in SAFE_METHODS else view.writes_need
        role = role_of(request.user)
        if role is Role.NOBODY:
            return False  # 401: nothing was proved
        self.message = f"this needs the role {least.name.lower()}, yours is {role.name.lower()}"
        return role >= least


ACCESS: Final[list[Any]] = [JWTAuthentication, TokenAuthentication, SessionAuthentication]


class RoleView(APIView):  # type: ignore[misc]  # REST framework ships no types
    """A view for users with a role."""

    authentication_classes: ClassVar[list[Any]] = ACCESS
    permission_classes: ClassVar[list[Any]] = [ForRoles]
    parser_classes: ClassVar[list[Any]] = [ExactJSONParser]
    content_negotiation_class = AnyClient
    renderer_classes: ClassVar[list[Any]] = [JSONRenderer]
    writes_need: ClassVar[Role] = Role.TRADER

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer within one trace, which a traceparent header may name."""
        known = trace_of(request.headers.get("traceparent", ""))
        with traced(known), span(f"{request.method} {request.path}"):
            return super().dispatch(request, *args, **kwargs)
