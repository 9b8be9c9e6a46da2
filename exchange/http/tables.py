"""Tables of an account over HTTP: JSON, CSV and Arrow, paged by key, exact decimals."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Generic

import orjson
import pyarrow as pa
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from archive.columns import END_OF_STREAM
from archive.listings import FLAG, INTEGER, NUMBER, TEXT, TIME, Cell, Listing, M
from market.times import from_microseconds
from web import formats
from web.parameters import Parameters, cursor_text
from web.tables import file_response, stream_response

CHUNK: Final = 5_000
JSON_TYPES: Final = {TEXT: "string", INTEGER: "integer", NUMBER: "number", FLAG: "boolean",
                     TIME: "integer"}  # fmt: skip


def exact_json(body: Any, status: int = 200) -> HttpResponse:
    """Answer JSON in which Decimals are numbers with all their digits."""
    content = orjson.dumps(body, default=number)
    return HttpResponse(content, status=status, content_type="application/json")


def number(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value:f}".encode())
    raise TypeError(f"{value!r} has no JSON form")


def answer(
    request: HttpRequest,
    listing: Listing[M],
    rows: "QuerySet[M]",
    asked: Parameters,
    *,
    newest_first: bool = True,
) -> HttpResponseBase:
    """Answer rows newest first, or in ascending order of their keys."""
    cursor_kind = f"{listing.name}-{'newest' if newest_first else 'first'}"
    ordered = Ordered(listing, rows, newest_first).beyond(asked.cursor(cursor_kind))
    wanted = request.GET.get("format") or "json"
    if asked.is_export:
        return stream_response(listing.name, wanted, ENCODED[wanted](listing, ordered.chunks()))
    limit = asked.limit()
    found = ordered.first(limit + 1)
    page, more = found[:limit], len(found) > limit
    cursor = cursor_text(cursor_kind, getattr(page[-1], listing.key) if more else None)
    return answer_page(request, listing, page, cursor)


def answer_page(
    request: HttpRequest, listing: Listing[M], page: Sequence[M], cursor: str | None = None
) -> HttpResponse:
    """Answer these rows in the requested format."""
    wanted = request.GET.get("format") or "json"
    if wanted == "json":
        values = [listing.json_row(listing.values(row)) for row in page]
        body = {"columns": listing.columns, "rows": values, "next_cursor": cursor}
        response = exact_json(body)
    else:
        response = file_response(listing.name, wanted, ENCODED[wanted](listing, [page]))
    return formats.link_next(response, request, cursor)


@dataclass(frozen=True)
class Ordered(Generic[M]):
    """Rows in one order of their keys."""

    listing: Listing[M]
    rows: "QuerySet[M]"
    newest_first: bool

    def beyond(self, key: int | None) -> "Ordered[M]":
        if key is None:
            return self
        lookup = f"{self.listing.key}__{'lt' if self.newest_first else 'gt'}"
        return Ordered(self.listing, self.rows.filter(**{lookup: key}), self.newest_first)

    def first(self, count: int) -> list[M]:
        sign = "-" if self.newest_first else ""
        return list(self.rows.order_by(f"{sign}{self.listing.key}")[:count])

    def chunks(self) -> Iterator[list[M]]:
        rest = self
        while chunk := rest.first(CHUNK):
            yield chunk
            rest = self.beyond(getattr(chunk[-1], self.listing.key))


def csv_blocks(listing: Listing[M], chunks: Any) -> Iterator[bytes]:
    yield ",".join(listing.columns).encode() + b"\n"
    for chunk in chunks:
        rows = [[csv_text(v) for v in listing.json_row(listing.values(row))] for row in chunk]
        yield formats.csv_lines(rows)


def csv_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return formats.inert(value) if isinstance(value, str) else str(value)


def arrow_blocks(listing: Listing[M], chunks: Any) -> Iterator[bytes]:
    schema = pa.schema([(cell.name, cell.type) for cell in listing.cells])
    yield bytes(schema.serialize())
    for chunk in chunks:
        columns = zip(*(listing.values(row) for row in chunk), strict=True) if chunk else ()
        arrays = [arrow_array(c, v) for c, v in zip(listing.cells, columns, strict=False)]
        if arrays:
            yield bytes(pa.RecordBatch.from_arrays(arrays, schema=schema).serialize())
    yield END_OF_STREAM


def arrow_array(cell: Cell, values: Sequence[Any]) -> pa.Array:
    if cell.type is NUMBER:
        return pa.array([None if v is None else float(v) for v in values], NUMBER)
    if cell.type is TIME:
        return pa.array([None if v is None else from_microseconds(v) for v in values], TIME)
    return pa.array(values, cell.type)


ENCODED: Final[Mapping[str, Callable[[Any, Any], Iterator[bytes]]]] = {
    "csv": csv_blocks,
    "arrow": arrow_blocks,
}


def properties(listing: Listing[Any]) -> dict[str, Any]:
    """Return the schema of each column."""
    return {
        cell.name: {
            "type": JSON_TYPES[cell.type],
            "nullable": True,
            **({"description": cell.help} if cell.help else {}),
        }
        for cell in listing.cells
    }


def documented(
    operation: str, listing: Listing[Any], parameters: Sequence[str | OpenApiParameter]
) -> Callable[[Any], Any]:
    """Return a decorator that describes a GET of a table for OpenAPI."""
    schema = {
        "type": "object",
        "required": ["columns", "rows", "next_cursor"],
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}, "example": listing.columns},
            "rows": {"type": "array", "items": {"type": "array", "items": {}}},
            "next_cursor": {"type": "string", "nullable": True},
        },
    }
    described = formats.described(parameters, formats.TABLE_FORMATS)
    responses: dict[Any, Any] = {
        (200, "application/json"): schema,
        (200, "text/csv"): OpenApiTypes.STR,
        (200, formats.ARROW): OpenApiTypes.BINARY,
        **problems(400, 401, 403, 404, 429, 503),
    }
    return extend_schema(
        operation_id=operation, parameters=described, responses=responses, tags=["trading"]
    )


def problems(*statuses: int) -> dict[Any, Any]:
    return {(status, "application/problem+json"): formats.PROBLEM_SCHEMA for status in statuses}
