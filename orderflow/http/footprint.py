"""Clusters over HTTP."""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from archive.instruments import Newest
from archive.selections import Span
from instruments.models import Instrument
from orderflow.footprints import page
from orderflow.http.parameters import STEP, shown_step, step, traded
from orderflow.http.rowformats import BLOCKS
from orderflow.rowcache import NAMES
from orderflow.rowtexts import COLUMNS
from web import formats
from web.parameters import cursor_text
from web.tables import file_response, stream_response
from web.views import PAGED, HistoryView, file_name, read

EXPORTED: Final = 1_000
"""Clusters per block of an export."""
NUMBERS: Final = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
CELL: Final = {"anyOf": [{"type": "number"}, NUMBERS]}


def schema() -> dict[str, Any]:
    found = formats.table_schema(COLUMNS, CELL)
    found["properties"] |= {
        "step": {"anyOf": [{"type": "integer"}, {"type": "string", "enum": ["auto"]}]},
        "seq": {"type": "integer", "description": "Of the newest closed cluster."},
    }
    found["required"] += ["step", "seq"]
    return found


class FootprintView(HistoryView):
    @formats.documented(
        "footprint_list",
        ["timeframe", STEP, *PAGED],
        schema(),
        formats=formats.TABLE_FORMATS,
    )
    def get(self, request: HttpRequest, symbol: str) -> HttpResponseBase:
        """Clusters in ascending order; the open one is last where the span reaches it.

        With `start`, `next_cursor` pages ahead. Without, the newest `limit`; page back by giving
        the `opened_at` of the first row as `end`.
        """
        asked = read(request, "timeframe", "step", *PAGED, formats=formats.TABLE_FORMATS)
        instrument, newest = traded(symbol)
        timeframe_s, chosen, span = asked.timeframe_s(), step(request, asked), Span(*asked.span())
        kind = f"clusters-{timeframe_s}"
        if (after := asked.cursor(kind)) is not None:
            span = span._replace(start=after * 1000 + 1)
        wanted = request.GET.get("format") or "json"
        if asked.is_export:
            pages = every_page(instrument, newest, timeframe_s, chosen, span)
            blocks = BLOCKS[wanted](chain([next(pages)], pages))  # an error there sets the status
            return stream_response(file_name(request, instrument), wanted, blocks)
        found = page(instrument, newest, timeframe_s, chosen, span, asked.limit())
        cursor = cursor_text(kind, found.more_after)
        if wanted == "json":
            members = {
                "symbol": instrument.symbol,
                "timeframe": NAMES[timeframe_s],
                "step": shown_step(chosen),
                "open_candle": found.open_candle,
                "seq": found.seq,
                "columns": COLUMNS,
            }
            response = rows_response(members, found.rows, {"next_cursor": cursor})
        else:
            blocks = BLOCKS[wanted]([found.rows])
            response = file_response(file_name(request, instrument), wanted, blocks)
        return formats.link_next(response, request, cursor)


def rows_response(before: dict[str, Any], rows: list[bytes], after: dict[str, Any]) -> HttpResponse:
    """Answer JSON with rows that are already texts."""
    parts = (
        orjson.dumps(before)[:-1],
        b',"rows":[',
        b",".join(rows),
        b"],",
        orjson.dumps(after)[1:],
    )
    return HttpResponse(b"".join(parts), content_type="application/json")


def every_page(
    instrument: Instrument, newest: Newest | None, timeframe_s: int, chosen: int, span: Span
) -> Iterator[list[bytes]]:
    """Yield the rows of a span as of the trade `newest`, at least one page."""
    start = span.start or 0
    while True:
        found = page(instrument, newest, timeframe_s, chosen, span._replace(start=start), EXPORTED)
        yield found.rows
        if found.more_after is None:
            return
        start = found.more_after * 1000 + 1
