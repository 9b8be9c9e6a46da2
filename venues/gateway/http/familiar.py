"""The gateway at the addresses of the CryptoMarket service, whose clients need no change.

As there, all are GET requests, including those that change subscriptions, called "orders".
"""

from http import HTTPStatus
from typing import Any, Final

import structlog
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError

from exchange.http.tables import problems
from market.times import to_microseconds
from venues.gateway.connections import opened
from venues.gateway.http.connections import MEMBERS, credentials_in
from venues.gateway.http.stream import streamed
from venues.gateway.http.subscriptions import (
    CANCELLED_SCHEMA,
    SUBSCRIPTION_SCHEMA,
    SubscriptionsView,
    SubscriptionView,
    subscribed,
)
from venues.gateway.http.views import TAGS, GatewayView, person_of
from venues.gateway.models import LONGEST_S, SHORTEST_S, Connection, ConnectionState
from web.parameters import Parameters
from web.problems import database_unavailable, problem
from web.rediserrors import redis_error

logger = structlog.get_logger(__name__)

INTERVAL_S: Final = 60
HEADERS: Final = dict(zip(MEMBERS, ("Client-Id", "Client-Secret"), strict=True))
STATUSES: Final = {
    ConnectionState.REFUSED: HTTPStatus.UNAUTHORIZED,
    ConnectionState.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


@require_GET
@sensitive_variables()
def connect(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Log in with the credentials in the headers; stream what the person follows."""
    try:
        given = {name: request.headers.get(header, "") for name, header in HEADERS.items()}
        connection, token = opened(credentials_in(given))
    except ValidationError:
        detail = f"give the credentials in the headers {' and '.join(HEADERS.values())}"
        return problem(HTTPStatus.UNAUTHORIZED, detail)
    except redis_error():
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "the cache is unavailable")
    except DatabaseError as error:
        logger.warning("connection refused", error=str(error).strip())
        return database_unavailable()
    status = STATUSES.get(ConnectionState(connection.state))
    if status is not None:
        return problem(status, connection.reason)
    return streamed(connection, {}, first=welcome(connection, token))


def welcome(connection: Connection, token: str) -> dict[str, Any]:
    """Return the first event, which names the user of the other addresses."""
    expires_at = to_microseconds(connection.expires_at) // 1_000
    return {"type": "connection", "user": token, "expires_at": expires_at}


class CreateOrderView(GatewayView):
    @extend_schema(
        operation_id="market_create_order",
        tags=TAGS,
        auth=[],
        parameters=[
            OpenApiParameter(
                "interval_s",
                {"type": "integer", "minimum": SHORTEST_S, "maximum": LONGEST_S,
                 "default": INTERVAL_S},
                description="At most one price in this many seconds.",
            )
        ],
        responses={
            (200, "application/json"): SUBSCRIPTION_SCHEMA,
            (201, "application/json"): SUBSCRIPTION_SCHEMA,
            **problems(400, 401, 404, 429, 503),
        },
    )  # fmt: skip
    def get(self, request: Any, user: str, ticker: str) -> HttpResponse:
        """Follow a price index, or change its interval."""
        person = person_of(user)
        asked = Parameters(request.GET, ("interval_s",))
        interval_s = asked.whole("interval_s", SHORTEST_S, LONGEST_S, INTERVAL_S)
        return subscribed(person, ticker, interval_s)


class CancelOrderView(GatewayView):
    @extend_schema(
        operation_id="market_cancel_order",
        tags=TAGS,
        auth=[],
        responses={(200, "application/json"): CANCELLED_SCHEMA, **problems(401, 404, 429, 503)},
    )
    def get(self, request: Any, user: str, ticker: str) -> HttpResponse:
        """Cancel one subscription."""
        return SubscriptionView().delete(request, user, ticker)


class CancelAllOrdersView(GatewayView):
    @extend_schema(
        operation_id="market_cancel_all_orders",
        tags=TAGS,
        auth=[],
        responses={(200, "application/json"): CANCELLED_SCHEMA, **problems(401, 404, 429, 503)},
    )
    def get(self, request: Any, user: str) -> HttpResponse:
        """Cancel all subscriptions."""
        return SubscriptionsView().delete(request, user)


class GetOrderView(GatewayView):
    @extend_schema(
        operation_id="market_get_order",
        tags=TAGS,
        auth=[],
        responses={(200, "application/json"): SUBSCRIPTION_SCHEMA, **problems(401, 404, 429, 503)},
    )
    def get(self, request: Any, user: str, ticker: str) -> HttpResponse:
        """One subscription."""
        return SubscriptionView().get(request, user, ticker)
