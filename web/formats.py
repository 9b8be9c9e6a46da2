"""Tables of the API as bytes: JSON by orjson or CSV, and their OpenAPI descriptions."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from market.keys import LARGEST_SEQ
from market.kinds import Column, Unit
from market.timeframes import TIMEFRAMES
from web.parameters import ALL, MOST_ROWS

Row = Sequence[Any]
MOST_LEVELS: Final = 1_000
FORMATS: Final = ("json", "csv")
TABLE_FORMATS: Final = (*FORMATS, "arrow")
ARROW: Final = "application/vnd.apache.arrow.stream"
PRICES: Final = frozenset({"price", "open", "high", "low", "close", "tick_size", "last_price"})


def json_response(body: Any) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), content_type="application/json")


def csv_response(name: str, columns: Sequence[str], rows: Sequence[Row]) -> HttpResponse:
    """Answer a table as CSV with a header line; cells that are already text stay unchanged."""
    text = csv_lines([columns, *rows])
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'inline; filename="{name}.csv"'
    return response


def csv_lines(rows: Iterable[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def inert(text: str) -> str:
    """Return `text` so that no spreadsheet reads it as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def decimals(
    columns: Sequence[str],
    rows: Sequence[Row],
    precision: int,
    prices: frozenset[str] = PRICES,
) -> list[Row]:
    """Return `rows` with the prices as text with all their decimals, never as 1e-05."""
    at = [index for index, column in enumerate(columns) if column in prices]
    written: list[Row] = []
    for row in rows:
        cells = list(row)
        for index in at:
            if cells[index] is not None:
                cells[index] = f"{cells[index]:.{precision}f}"
        written.append(cells)
    return written


def link_next(response: HttpResponse, request: HttpRequest, cursor: str | None) -> HttpResponse:
    """Add the next page as a Link header (RFC 8288), also for CSV and Arrow."""
    if cursor is not None:
        query = request.GET.copy()
        query["cursor"] = cursor
        address = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        response["Link"] = f'<{address}>; rel="next"'
    return response


MOMENT: Final = "RFC 3339 (UTC where it names no offset) or epoch milliseconds."
MOMENT_SCHEMA: Final = {
    "type": "string",
    "anyOf": [{"format": "date-time"}, {"pattern": "^(-?[0-9]{1,13})?$"}],
}
LIMIT_SCHEMA: Final = {
    "anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_ROWS}, {"enum": [ALL]}]
}
DESCRIPTIONS: Final[dict[str, tuple[Any, str]]] = {
    "start": (MOMENT_SCHEMA, f"From this moment on. {MOMENT}"),
    "end": (MOMENT_SCHEMA, f"Before this moment. {MOMENT}"),
    "since_seq": (
        {"type": "integer", "minimum": 0, "maximum": LARGEST_SEQ},
        "Only records with a greater seq.",
    ),
    "limit": (
        LIMIT_SCHEMA,
        "Rows at most, or all: 10,000 in JSON, no bound in csv and arrow of quotes, candles and "
        "other recorded kinds. Default 500 (regimes: 10,000), arrow: all.",
    ),
    "cursor": (
        OpenApiTypes.STR,
        "next_cursor of the previous page, with the same other parameters.",
    ),
    "step": (
        {"type": "integer", "minimum": 1, "maximum": 100_000, "default": 1},
        "Points between window ends. Of stored readings: windows end at its multiples.",
    ),
    "depth": (
        {"type": "integer", "minimum": 1, "maximum": MOST_LEVELS, "default": 50},
        "Levels of each side, best first.",
    ),
    "at": (MOMENT_SCHEMA, f"The book as it was at this moment; default: now. {MOMENT}"),
    "timeframe": (
        {"type": "string", "enum": list(TIMEFRAMES), "default": "1m"},
        "Length of the candles.",
    ),
}
PROBLEM_SCHEMA: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": True},
    },
}
INSTRUMENT_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "symbol": {"type": "string"},
        "name": {"type": "string"},
        "tick_size": {"type": "number"},
        "price_precision": {"type": "integer"},
        "currency": {"type": "string"},
        "first_at": {"type": "integer", "nullable": True, "description": "epoch ms"},
        "last_at": {"type": "integer", "nullable": True, "description": "epoch ms"},
        "last_seq": {"type": "integer"},
        "last_price": {"type": "number", "nullable": True},
        "lot_size": {"type": "number"},
        "quantity_precision": {"type": "integer"},
        "has_book": {"type": "boolean", "description": "whether the exchange trades it"},
    },
}
INSTRUMENTS_SCHEMA: Final = {"type": "array", "items": INSTRUMENT_SCHEMA}


NUMBER: Final = {"type": "number", "nullable": True}
CELLS: Final[dict[Unit, dict[str, Any]]] = {
    Unit.SIDE: {"type": "string", "enum": ["buy", "sell"]},
    Unit.NAME: {"type": "string"},
    Unit.JSON: {"type": "object", "additionalProperties": True},
}
"""The schemas of cells that are no numbers."""


def records_schema(columns: Sequence[Column]) -> dict[str, Any]:
    """Return the schema of a table of records with these columns."""
    kinds = [NUMBER, *(CELLS[column.unit] for column in columns if column.unit in CELLS)]
    cell = NUMBER if len(kinds) == 1 else {"anyOf": kinds}
    return table_schema([column.name for column in columns], cell)


def table_schema(columns: Sequence[str], cell: dict[str, Any] = NUMBER) -> dict[str, Any]:
    """Return the schema of a table of rows with these columns, each cell with its schema."""
    properties: dict[str, Any] = {
        "symbol": {"type": "string"},
        "columns": {"type": "array", "items": {"type": "string"}, "example": list(columns)},
        "rows": {
            "type": "array",
            "items": {"type": "array", "items": cell},
        },
        "next_cursor": {"type": "string", "nullable": True},
    }
    required = list(properties)
    if "open" in columns:
        properties |= {"timeframe": {"type": "string"}, "open_candle": {"type": "boolean"}}
    return {"type": "object", "required": required, "properties": properties}


def documented(
    operation: str,
    parameters: Sequence[str | OpenApiParameter],
    schema: dict[str, Any],
    with_symbol: bool = True,
    formats: Sequence[str] = FORMATS,
) -> Callable[[Any], Any]:
    """Return a decorator that describes a GET of the API for OpenAPI."""
    served: dict[tuple[int, str], Any] = {
        (200, "application/json"): schema,
        (200, "text/csv"): OpenApiTypes.STR,
    }
    if "arrow" in formats:
        served[200, ARROW] = OpenApiTypes.BINARY
    return extend_schema(
        operation_id=operation,
        parameters=described(parameters, formats),
        responses=responses(served, with_symbol),
        tags=["history"],
    )


def described(
    parameters: Sequence[str | OpenApiParameter], formats: Sequence[str]
) -> list[OpenApiParameter]:
    """Return the query parameters of a table for OpenAPI."""
    found = [_parameter(each) for each in parameters if each != "format"]
    found.append(
        OpenApiParameter(
            "format",
            {"type": "string", "enum": list(formats), "default": "json"},
            description="csv: a header line and the rows; arrow: an Arrow IPC stream. The Link "
            "header of both names the next page.",
        )
    )
    return found


def _parameter(given: str | OpenApiParameter) -> OpenApiParameter:
    if isinstance(given, str):
        schema, meaning = DESCRIPTIONS[given]
        return OpenApiParameter(given, schema, description=meaning)
    return given


def responses(
    served: dict[tuple[int, str], Any], with_symbol: bool = True
) -> dict[tuple[int, str], Any]:
    """Return the successful responses and the problems of a read."""
    statuses = (400, 404, 429, 503) if with_symbol else (400, 429, 503)
    problems = {(status, "application/problem+json"): PROBLEM_SCHEMA for status in statuses}
    return {**served, **problems}
