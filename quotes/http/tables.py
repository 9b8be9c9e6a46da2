"""Recorded tables over HTTP: pages of JSON, whole spans of CSV and Arrow."""

from collections.abc import Iterator
from itertools import chain
from typing import Any, ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from archive.columns import Columns, arrow_blocks, csv_blocks
from archive.instruments import find
from archive.rangescans import chunks, until_now
from archive.selections import Span, select
from instruments.models import Instrument
from market.keys import LARGEST_SEQ
from market.kinds import Kind, Table
from quotes.http.history import ColumnPage, page
from web import formats
from web.parameters import Parameters, cursor_text
from web.tables import file_response, stream_response
from web.views import PAGED, HistoryView, file_name, read, unknown_instrument

BLOCKS = {"csv": csv_blocks, "arrow": arrow_blocks}


def find_instrument(symbol: str) -> Instrument:
    """Return the instrument; raise NotFound naming the symbol."""
    found = None if "\0" in symbol else find(symbol)
    if found is None:
        raise unknown_instrument(symbol)
    return found


def answer_page(
    request: HttpRequest,
    instrument: Instrument,
    found: ColumnPage,
    cursor_kind: str,
    extra: dict[str, Any] | None = None,
) -> HttpResponseBase:
    """Answer one page in the requested format."""
    columns, table = found.columns, found.columns.table
    cursor = cursor_text(cursor_kind, found.more_after)
    wanted = request.GET.get("format") or "json"
    if wanted == "json":
        body = {"symbol": instrument.symbol, **(extra or {}), "columns": table.column_names}
        response = formats.json_response({**body, "rows": columns.rows(), "next_cursor": cursor})
    else:
        blocks = BLOCKS[wanted](table, [columns])
        response = file_response(file_name(request, instrument), wanted, blocks)
    return formats.link_next(response, request, cursor)


def answer_all(
    request: HttpRequest, instrument: Instrument, table: Table, parts: Iterator[Columns]
) -> HttpResponseBase:
    """Stream all parts of a table as CSV or Arrow, each read when the one before is sent.

    The first is read at once, so that an error there still sets the status of the response.
    """
    wanted = request.GET["format"]
    blocks = BLOCKS[wanted](table, chain([next(parts)], parts))
    return stream_response(file_name(request, instrument), wanted, blocks)


class KindView(HistoryView):
    """The records of one kind; see `kind_view`."""

    kind: ClassVar[Kind]
    own_parameters: ClassVar[tuple[OpenApiParameter, ...]] = ()

    def get(self, request: HttpRequest, symbol: str) -> HttpResponseBase:
        """Records in ascending order, from the first one on, or after `since_seq`."""
        instrument = find_instrument(symbol)
        own = [parameter.name for parameter in self.own_parameters]
        asked = read(request, "since_seq", *own, *PAGED, formats=formats.TABLE_FORMATS)
        kind = self.shown(asked)
        span = Span(*asked.span())
        since = asked.whole("since_seq", 0, LARGEST_SEQ, 0)
        since = min(max(since, asked.cursor(kind.name) or 0), LARGEST_SEQ)
        selection = select(kind, instrument.pk, span=span, since=since)
        if asked.is_export:
            parts = chunks(until_now(selection), instrument.lattice)
            return answer_all(request, instrument, kind, parts)
        found = page(selection, instrument, asked.limit(), "seq")
        return answer_page(request, instrument, found, kind.name)

    def shown(self, asked: Parameters) -> Kind:
        """Return the kind with the columns that this request shows."""
        return self.kind


def kind_view(kind: Kind, base: type[KindView] = KindView) -> type[KindView]:
    """Return the view of a kind, as OpenAPI describes it."""
    described = formats.documented(
        f"{kind.name}_list",
        ["since_seq", *base.own_parameters, *PAGED],
        formats.records_schema(kind.columns),
        formats=formats.TABLE_FORMATS,
    )
    view = type(f"{kind.name.title()}View", (base,), {"kind": kind})
    return extend_schema_view(get=described)(view)
