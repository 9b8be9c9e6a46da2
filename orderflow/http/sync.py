"""Synchronisation of a client's clusters over HTTP."""

from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter

from archive.selections import Span
from orderflow import ranges
from orderflow.http.footprint import CELL, rows_response
from orderflow.http.parameters import STEP, shown_step, step, traded
from orderflow.ranges import Held
from orderflow.rowcache import NAMES
from orderflow.rowtexts import COLUMNS
from orderflow.synchronising import Missing, missing
from web import formats
from web.parameters import refused
from web.views import HistoryView, read

MOST_ROWS: Final = 10_000
MS: Final = 1_000
HELD: Final = OpenApiParameter(
    "held",
    {"type": "string", "pattern": "^(-?[0-9]+--?[0-9]+-[0-9]+(,-?[0-9]+--?[0-9]+-[0-9]+)*)?$"},
    description="What the client holds: from-to-mark, separated by commas.",
)
LIMIT: Final = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": 2_000},
    description="Closed clusters at most; of more, the newest.",
)
PAIR: Final = {"type": "array", "items": {"type": "integer"}}
ROW: Final = {"type": "array", "items": CELL}


def schema() -> dict[str, Any]:
    properties: dict[str, Any] = {
        "symbol": {"type": "string"},
        "timeframe": {"type": "string"},
        "step": {"anyOf": [{"type": "integer"}, {"type": "string", "enum": ["auto"]}]},
        "start": {"type": "integer", "nullable": True},
        "end": {"type": "integer", "nullable": True},
        "seq": {"type": "integer"},
        "columns": {"type": "array", "items": {"type": "string"}, "example": COLUMNS},
        "rows": {"type": "array", "items": ROW},
        "held": {"type": "array", "items": PAIR},
        "stale": {"type": "array", "items": PAIR},
        "open": {**ROW, "nullable": True},
        "complete": {"type": "boolean"},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


class SyncView(HistoryView):
    @formats.documented(
        "footprint_sync",
        ["timeframe", STEP, "start", "end", HELD, LIMIT],
        schema(),
        formats=("json",),
    )
    def get(self, request: HttpRequest, symbol: str) -> HttpResponse:
        """The clusters that a client lacks of a span, given what it holds."""
        names = ("timeframe", "step", "start", "end", "held", "limit", "format")
        asked = read(request, *names, formats=("json",))
        instrument, newest = traded(symbol)
        timeframe_s, chosen = asked.timeframe_s(), step(request, asked)
        span = Span(*map(next_ms, asked.span()))
        held = stated(request)
        limit = asked.whole("limit", 1, MOST_ROWS, 2_000)
        members = {
            "symbol": instrument.symbol,
            "timeframe": NAMES[timeframe_s],
            "step": shown_step(chosen),
        }
        if newest is None:
            empty = {"held": [], "stale": [each[:2] for each in in_ms(held)], "open": None}
            before = {**members, "start": None, "end": None, "seq": 0, "columns": COLUMNS}
            return rows_response(before, [], {**empty, "complete": True})
        found = missing(instrument, newest, timeframe_s, chosen, span, held, limit)
        return rows_response(members | head(found), found.rows, tail(found))


def next_ms(at: int | None) -> int | None:
    """Return the first whole millisecond at or after a moment: clusters open at whole ones."""
    return None if at is None else -(-at // MS) * MS


def stated(request: HttpRequest) -> list[Held]:
    """Return what the client holds, in microseconds."""
    try:
        found = ranges.parse(request.GET.get("held", ""))
    except ValueError as error:
        raise refused("held", str(error)) from None
    return [Held(start * MS, end * MS, mark) for start, end, mark in found]


def head(found: Missing) -> dict[str, Any]:
    start, end = found.wanted
    return {"start": start // MS, "end": end // MS, "seq": found.seq, "columns": COLUMNS}


def tail(found: Missing) -> dict[str, Any]:
    return {
        "held": in_ms(found.held),
        "stale": [each[:2] for each in in_ms(found.stale)],
        "open": found.open_row and orjson.Fragment(found.open_row),
        "complete": found.is_complete,
    }


def in_ms(held: list[Held]) -> list[list[int]]:
    return [[start // MS, end // MS, mark] for start, end, mark in held]
