"""What the views of the gateway share."""

from typing import Any, ClassVar, Final

from rest_framework.exceptions import APIException, NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from venues.gateway.connections import find
from venues.gateway.models import Connection, ConnectionState, Person
from web.bodies import ExactJSONParser
from web.views import AnyClient

TAGS: Final = ["venues"]


class UnavailableAnswer(APIException):  # type: ignore[misc]  # REST framework ships no types
    status_code = 503
    default_detail = "the venue is unavailable"
    wait = 2


class RefusedAnswer(APIException):  # type: ignore[misc]  # REST framework ships no types
    status_code = 401
    default_detail = "the venue refused the credentials"


class GatewayView(APIView):  # type: ignore[misc]  # REST framework ships no types
    """The token in the address says who asks."""

    authentication_classes: ClassVar[list[Any]] = []
    parser_classes: ClassVar[list[Any]] = [ExactJSONParser]
    content_negotiation_class = AnyClient
    renderer_classes: ClassVar[list[Any]] = [JSONRenderer]


def connection_of(token: str) -> Connection:
    """Return the connection with a token; raise NotFound."""
    found = find(token)
    if found is None:
        raise NotFound("there is no such connection: it was closed, or has expired; connect again")
    return found


def person_of(token: str) -> Person:
    """Return who is logged in; raise NotFound, RefusedAnswer or UnavailableAnswer."""
    found = connection_of(token)
    if found.state == ConnectionState.OPEN and found.person is not None:
        return found.person
    if found.state == ConnectionState.REFUSED:
        raise RefusedAnswer(found.reason)
    raise UnavailableAnswer(found.reason or "the login at the venue is still pending")
