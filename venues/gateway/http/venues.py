"""The venues that the gateway connects to, and how it does."""

from typing import Any, Final

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from exchange.http.tables import exact_json, problems
from venues.gateway.http.views import TAGS, GatewayView
from venues.gateway.status import status

COUNT: Final = {"type": "integer"}
AGES: Final = {"type": "array", "items": {"type": "number"}}
POOL_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "ready": COUNT,
        "taken": COUNT,
        "waiting": {**COUNT, "description": "requests that wait"},
        "requests": {**COUNT, "description": "requests sent since the process began"},
        "requests_per_s": {"type": "number", "description": "mean of the last 10 s"},
        "ages_s": {**AGES, "description": "how long the ready connections are open"},
        "token_ages_s": {**AGES, "description": "the same of taken ones, with which tokens end"},
        "at": {"type": "integer", "nullable": True, "description": "epoch ms of this report"},
    },
}
VENUE_SCHEMA: Final = {
    "type": "object",
    "required": ["name", "url", "pool", "connections", "tickers"],
    "properties": {
        "name": {"type": "string"},
        "url": {"type": "string"},
        "requests_per_s": {"type": "number"},
        "fetch_s": {"type": "number"},
        "pool": POOL_SCHEMA,
        "connections": {**COUNT, "description": "open connections of users"},
        "tickers": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "ticker": {"type": "string"},
                    "followers": COUNT,
                    "error": {"type": "string"},
                },
            },
        },
    },
    "example": {
        "name": "deribit",
        "url": "wss://www.deribit.com/ws/api/v2",
        "requests_per_s": 15.0,
        "fetch_s": 50.0,
        "pool": {
            "ready": 10, "taken": 0, "waiting": 0, "requests": 1234, "requests_per_s": 0.1,
            "ages_s": [3600.5], "token_ages_s": [], "at": 1795400000000,
        },
        "connections": 1000,
        "tickers": [{"ticker": "btc_usd", "followers": 1000, "error": ""}],
    },
}  # fmt: skip


class VenuesView(GatewayView):
    @extend_schema(
        operation_id="venues_list",
        tags=TAGS,
        auth=[],
        responses={
            (200, "application/json"): {"type": "array", "items": VENUE_SCHEMA},
            **problems(400, 429, 503),
        },
    )
    def get(self, request: Any) -> HttpResponse:
        """The venues: connections, requests, and what users follow."""
        return exact_json([status()])
