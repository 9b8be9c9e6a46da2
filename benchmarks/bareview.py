"""The bare query and JSON behind the middleware of the product, to compare a footprint with."""

from typing import Any, Final

import orjson
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

import benchmarks.harness  # noqa: F401  # sets Django up
from pytrade.urls import urlpatterns as product

STORED_ROWS: Final = (
    "SELECT opened_at, first_seq, last_seq, data FROM orderflow_cluster "
    "WHERE instrument_id = %s AND timeframe = %s ORDER BY opened_at DESC LIMIT %s"
)
finished: list[Any] = []
"""The rows to write."""


def selected(instrument_id: int, timeframe_s: int, count: int) -> list[Any]:
    """Select the newest stored clusters, ascending."""
    with connection.cursor() as cursor:
        cursor.execute(STORED_ROWS, [instrument_id, timeframe_s, count])
        found: list[Any] = cursor.fetchall()
        return found[::-1]


def answer(instrument_id: int, timeframe_s: int, count: int) -> bytes:
    """Select the stored clusters; write rows that were made before. No server can do less."""
    selected(instrument_id, timeframe_s, count)
    return orjson.dumps(finished)


def view(request: HttpRequest, instrument_id: int, timeframe_s: int, count: int) -> HttpResponse:
    body = answer(instrument_id, timeframe_s, count)
    return HttpResponse(body, content_type="application/json")


urlpatterns = [path("bare/<int:instrument_id>/<int:timeframe_s>/<int:count>/", view), *product]
