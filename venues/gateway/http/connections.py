"""Connect with credentials, ask how the login went, disconnect."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ValidationError

from exchange.http.tables import exact_json, problems
from market.times import to_microseconds
from venues.gateway.connections import opened
from venues.gateway.credentials import Credentials
from venues.gateway.http.views import (
    TAGS,
    GatewayView,
    RefusedAnswer,
    UnavailableAnswer,
    connection_of,
)
from venues.gateway.models import Connection, ConnectionState
from venues.gateway.publishing import announce
from web.rediserrors import redis_error

LONGEST: Final = 200
MEMBERS: Final = ("client_id", "client_secret")
BODY_SCHEMA: Final = {
    "type": "object",
    "required": [*MEMBERS],
    "properties": {
        name: {"type": "string", "minLength": 1, "maxLength": LONGEST} for name in MEMBERS
    },
    "additionalProperties": False,
}
CONNECTION_SCHEMA: Final = {
    "type": "object",
    "required": ["state", "account", "expires_at"],
    "properties": {
        "state": {"type": "string", "enum": ConnectionState.values},
        "account": {"type": "string", "nullable": True, "description": "its name at the venue"},
        "expires_at": {"type": "integer", "description": "epoch ms"},
        "stream": {"type": "string", "description": "address of the server-sent events"},
        "subscriptions": {"type": "string", "description": "address of the subscriptions"},
    },
    "example": {
        "state": "open",
        "account": "bot",
        "expires_at": 1795400000000,
        "stream": "https://market.example.org/api/v1/venues/deribit/connections/TOKEN/stream/",
        "subscriptions": (
            "https://market.example.org/api/v1/venues/deribit/connections/TOKEN/subscriptions/"
        ),
    },
}


class ConnectionsView(GatewayView):
    @extend_schema(
        operation_id="venue_connect",
        tags=TAGS,
        auth=[],
        request={"application/json": BODY_SCHEMA},
        responses={
            (201, "application/json"): CONNECTION_SCHEMA,
            **problems(400, 401, 429, 503),
        },
        examples=[
            OpenApiExample(
                "credentials",
                {"client_id": "AbCdEfGh", "client_secret": "an API secret of the venue"},
                request_only=True,
            )
        ],
    )
    @method_decorator(sensitive_variables())
    def post(self, request: Any) -> HttpResponse:
        """Log in at the venue. The credentials are encrypted at once, and deleted after 12 s."""
        credentials = credentials_in(request.data)
        try:
            connection, token = opened(credentials)
        except redis_error():
            raise UnavailableAnswer("the cache is unavailable") from None
        if connection.state == ConnectionState.REFUSED:
            raise RefusedAnswer(connection.reason)
        if connection.state == ConnectionState.UNAVAILABLE:
            raise UnavailableAnswer(connection.reason)
        return exact_json(shown(connection, request._request, token), 201)


class ConnectionView(GatewayView):
    @extend_schema(
        operation_id="venue_connection_read",
        tags=TAGS,
        auth=[],
        responses={(200, "application/json"): CONNECTION_SCHEMA, **problems(404, 429, 503)},
    )
    def get(self, request: Any, token: str) -> HttpResponse:
        """How the login went."""
        return exact_json(shown(connection_of(token), request._request, token))

    @extend_schema(
        operation_id="venue_disconnect",
        tags=TAGS,
        auth=[],
        responses={204: None, **problems(404, 429, 503)},
    )
    def delete(self, request: Any, token: str) -> HttpResponse:
        """Close the connection and its streams; subscriptions stay."""
        connection = connection_of(token)
        key = connection.pk
        connection.delete()
        announce([key])
        return HttpResponse(status=204)


@sensitive_variables()
def credentials_in(data: Any) -> Credentials:
    """Return the credentials of a body; raise ValidationError, which does not repeat them."""
    if not isinstance(data, dict):
        raise ValidationError("the body must be a JSON object")
    errors = {name: ["is not a member here"] for name in data if name not in MEMBERS}
    for name in MEMBERS:
        value = data.get(name)
        if not isinstance(value, str) or not 1 <= len(value) <= LONGEST:
            errors[name] = [f"must be a text of 1 to {LONGEST} characters"]
    if errors:
        raise ValidationError(errors)
    return Credentials(*(data[name] for name in MEMBERS))


def shown(connection: Connection, request: HttpRequest, token: str) -> dict[str, Any]:
    person = connection.person
    return {
        "state": connection.state,
        "account": None if person is None else person.account,
        "expires_at": to_microseconds(connection.expires_at) // 1_000,
        "stream": request.build_absolute_uri(reverse("venue-stream", args=[token])),
        "subscriptions": request.build_absolute_uri(reverse("venue-subscriptions", args=[token])),
    }
