"""Subscribe to price indexes, list and cancel."""

from typing import Any, Final

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import NotFound, ValidationError

from exchange.http.tables import exact_json, problems
from market.quoting import quoted
from venues.gateway import following
from venues.gateway.http.views import TAGS, GatewayView, person_of
from venues.gateway.models import LONGEST_S, SHORTEST_S, Person, PriceSubscription
from web.bodies import Body

SUBSCRIPTION_SCHEMA: Final = {
    "type": "object",
    "required": ["ticker", "interval_s", "instrument", "error"],
    "properties": {
        "ticker": {"type": "string"},
        "interval_s": {"type": "integer"},
        "instrument": {
            "type": "string",
            "nullable": True,
            "description": "whose quotes the prices are, once there is one",
        },
        "error": {"type": "string", "description": "why there is no price"},
    },
    "example": {
        "ticker": "btc_usd", "interval_s": 60, "instrument": "DERIBIT-BTC_USD", "error": "",
    },
}  # fmt: skip
INTERVAL_SCHEMA: Final = {
    "type": "object",
    "required": ["interval_s"],
    "properties": {
        "interval_s": {"type": "integer", "minimum": SHORTEST_S, "maximum": LONGEST_S},
    },
    "additionalProperties": False,
}
BODY_SCHEMA: Final = {
    "type": "object",
    "required": ["ticker", "interval_s"],
    "properties": {
        "ticker": {"type": "string", "description": "name of a price index"},
        "interval_s": {"type": "integer", "minimum": SHORTEST_S, "maximum": LONGEST_S},
    },
    "additionalProperties": False,
}
CANCELLED_SCHEMA: Final = {
    "type": "object",
    "required": ["cancelled"],
    "properties": {"cancelled": {"type": "integer"}},
    "example": {"cancelled": 1},
}


class SubscriptionsView(GatewayView):
    @extend_schema(
        operation_id="venue_subscriptions_list",
        tags=TAGS,
        auth=[],
        responses={
            (200, "application/json"): {"type": "array", "items": SUBSCRIPTION_SCHEMA},
            **problems(401, 404, 429, 503),
        },
    )
    def get(self, request: Any, token: str) -> HttpResponse:
        """What the person follows."""
        return exact_json([shown(each) for each in following.subscriptions(person_of(token))])

    @extend_schema(
        operation_id="venue_subscribe",
        tags=TAGS,
        auth=[],
        request={"application/json": BODY_SCHEMA},
        responses={
            (200, "application/json"): SUBSCRIPTION_SCHEMA,
            (201, "application/json"): SUBSCRIPTION_SCHEMA,
            **problems(400, 401, 404, 429, 503),
        },
        examples=[
            OpenApiExample(
                "Bitcoin once a minute",
                {"ticker": "btc_usd", "interval_s": 60},
                request_only=True,
            )
        ],
    )
    def post(self, request: Any, token: str) -> HttpResponse:
        """Follow a price index: at most one price in `interval_s`. Again: change the interval."""
        person = person_of(token)
        body = Body(request.data, ("ticker", "interval_s"))
        name = body.text("ticker", 24)
        interval_s = body.whole("interval_s", SHORTEST_S, LONGEST_S)
        if not name and not body.has("ticker"):
            body.refuse("ticker", "is missing: name a price index, e.g. btc_usd")
        body.check()
        return subscribed(person, name, interval_s)

    @extend_schema(
        operation_id="venue_cancel_all",
        tags=TAGS,
        auth=[],
        responses={
            (200, "application/json"): CANCELLED_SCHEMA,
            **problems(401, 404, 429, 503),
        },
    )
    def delete(self, request: Any, token: str) -> HttpResponse:
        """Cancel all subscriptions."""
        return exact_json({"cancelled": following.cancel(person_of(token))})


class SubscriptionView(GatewayView):
    @extend_schema(
        operation_id="venue_subscription_read",
        tags=TAGS,
        auth=[],
        responses={
            (200, "application/json"): SUBSCRIPTION_SCHEMA,
            **problems(401, 404, 429, 503),
        },
    )
    def get(self, request: Any, token: str, ticker: str) -> HttpResponse:
        """One subscription."""
        found = following.subscriptions(person_of(token))
        chosen = None if "\0" in ticker else found.filter(ticker__name=ticker).first()
        if chosen is None:
            raise NotFound(f"{quoted(ticker)} is not subscribed")
        return exact_json(shown(chosen))

    @extend_schema(
        operation_id="venue_subscribe_ticker",
        tags=TAGS,
        auth=[],
        request={"application/json": INTERVAL_SCHEMA},
        responses={
            (200, "application/json"): SUBSCRIPTION_SCHEMA,
            (201, "application/json"): SUBSCRIPTION_SCHEMA,
            **problems(400, 401, 404, 429, 503),
        },
        examples=[OpenApiExample("once a minute", {"interval_s": 60}, request_only=True)],
    )
    def post(self, request: Any, token: str, ticker: str) -> HttpResponse:
        """Follow the index that the address names, or change its interval."""
        person = person_of(token)
        body = Body(request.data, ("interval_s",))
        interval_s = body.whole("interval_s", SHORTEST_S, LONGEST_S)
        body.check()
        return subscribed(person, ticker, interval_s)

    @extend_schema(
        operation_id="venue_cancel",
        tags=TAGS,
        auth=[],
        responses={
            (200, "application/json"): CANCELLED_SCHEMA,
            **problems(401, 404, 429, 503),
        },
    )
    def delete(self, request: Any, token: str, ticker: str) -> HttpResponse:
        """Cancel one subscription."""
        person = person_of(token)
        if "\0" in ticker or not (count := following.cancel(person, ticker)):
            raise NotFound(f"{quoted(ticker)} is not subscribed")
        return exact_json({"cancelled": count})


def subscribed(person: Person, name: str, interval_s: int) -> HttpResponse:
    """Subscribe and answer with the subscription; raise ValidationError."""
    try:
        made, is_new = following.subscribe(person=person, name=name, interval_s=interval_s)
    except following.FollowingError as error:
        raise ValidationError({"ticker": [f"{quoted(name)}: {error}"]}) from error
    return exact_json(shown(made), 201 if is_new else 200)


def shown(subscription: PriceSubscription) -> dict[str, Any]:
    ticker = subscription.ticker
    return {
        "ticker": ticker.name,
        "interval_s": subscription.interval_s,
        "instrument": None if ticker.instrument is None else ticker.instrument.symbol,
        "error": ticker.error,
    }
