"""The recorded book by time and price, over HTTP."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter

from archive.columns import Columns
from exchange.depth.history import last_at
from instruments.models import Instrument
from market.kinds import Column, Table, Unit
from orderflow.bookmoments import books_at
from orderflow.booksizes import MOST_ROWS, Sizes, Window, doubled_price, shared_step, sizes
from orderflow.clusters import Integers
from orderflow.http.parameters import PERCENT, STEP, percent, step
from orderflow.stepping import AUTO
from quotes.http.tables import BLOCKS, find_instrument
from web import formats
from web.concurrency import ConcurrencyLimit
from web.parameters import Parameters, refused
from web.tables import file_response
from web.views import HistoryView, file_name, read

MOST_COLUMNS: Final = 2_000
HOUR_US: Final = 3_600_000_000
WANTED_ROWS: Final = 200
"""Rows over which the price moves at most, with an automatic step."""
slots: Final = ConcurrencyLimit(running=2, waiting=6)
TABLE: Final = Table(
    name="heatmap",
    dtype=np.dtype([(name, np.int64) for name in ("at", "ticks", "bids", "asks")]),
    table="",
    columns=(
        Column("at", "at", Unit.TIME),
        Column("price", "ticks", Unit.PRICE),
        Column("bid_quantity", "bids", Unit.QUANTITY),
        Column("ask_quantity", "asks", Unit.QUANTITY),
    ),
)
"""The rows of CSV and Arrow; they are not stored in this form."""
COLUMNS: Final = OpenApiParameter(
    "columns",
    {"type": "integer", "minimum": 1, "maximum": MOST_COLUMNS, "default": 500},
    description="Moments at which the book is shown.",
)
DEPTH: Final = OpenApiParameter(
    "depth",
    {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": 100},
    description="Rows on each side of the price.",
)
SCHEMA: Final = {
    "type": "object",
    "required": [
        "symbol", "start", "end", "column_ms", "step", "row_size", "lot_size", "columns",
    ],
    "properties": {
        "symbol": {"type": "string"},
        "start": {"type": "integer"},
        "end": {"type": "integer"},
        "column_ms": {"type": "integer"},
        "step": {"type": "integer"},
        "row_size": {"type": "number"},
        "lot_size": {"type": "number"},
        "columns": {
            "type": "array",
            "items": {"type": "array", "items": {}, "minItems": 3, "maxItems": 3},
            "description": "at (epoch ms), first_row, cells: lots, negative for asks.",
        },
    },
}  # fmt: skip


class HeatmapView(HistoryView):
    @formats.documented(
        "heatmap_read",
        ["start", "end", COLUMNS, DEPTH, PERCENT, STEP],
        SCHEMA,
        formats=formats.TABLE_FORMATS,
    )
    def get(self, request: HttpRequest, symbol: str) -> HttpResponseBase:
        """What rested in the book, by time and price. 503: too many are being computed."""
        instrument = find_instrument(symbol)
        names = ("start", "end", "columns", "depth", "percent", "step", "format")
        asked = read(request, *names, formats=formats.TABLE_FORMATS)
        moments, end = asked_moments(instrument, asked)
        share = percent(request, None)
        rows_of_side = asked.whole("depth", 1, MOST_ROWS, 100 if share is None else MOST_ROWS)
        window = Window(rows_of_side, share)
        chosen = step(request, asked)
        with slots.taken():
            used, shown = columns(instrument, moments, window, chosen)
        wanted = request.GET.get("format") or "json"
        if wanted == "json":
            return heatmap_json(instrument, moments, end, used, shown)
        rows = Columns(TABLE, instrument.lattice, cells(moments, shown, used))
        return file_response(file_name(request, instrument), wanted, BLOCKS[wanted](TABLE, [rows]))


def asked_moments(instrument: Instrument, asked: Parameters) -> tuple[Integers, int]:
    """Return the moments of the columns, whole milliseconds apart from `start`, and the end."""
    start, end = asked.span()
    if end is None:
        end = last_at(instrument.pk) or HOUR_US
        end = end if start is None else max(end, start + 1_000)
    start = end - HOUR_US if start is None else start
    if end <= start:
        raise refused("end", "it is not after start")
    count = asked.whole("columns", 1, MOST_COLUMNS, 500)
    width = max(1_000, -(-(end - start) // count // 1_000) * 1_000)
    return np.arange(start, end, width, dtype=np.int64), end


def columns(
    instrument: Instrument, moments: Integers, window: Window, chosen: int
) -> tuple[int, list[Sizes | None]]:
    """Return the step and the rows of the book at each moment."""
    books = books_at(instrument.pk, moments)
    if chosen == AUTO:
        prices = [doubled_price(*book) for book in books if book is not None]
        chosen = shared_step([price for price in prices if price is not None], WANTED_ROWS)
    return chosen, [None if book is None else sizes(*book, window, chosen) for book in books]


def heatmap_json(
    instrument: Instrument, moments: Integers, end: int, used: int, shown: Sequence[Sizes | None]
) -> HttpResponse:
    lattice = instrument.lattice
    after_first = int(moments[1]) if len(moments) > 1 else end
    body = {
        "symbol": instrument.symbol,
        "start": int(moments[0]) // 1000,
        "end": end // 1000,
        "column_ms": (after_first - int(moments[0])) // 1000,
        "step": used,
        "row_size": lattice.number(used),
        "lot_size": lattice.quantities.number(1),
        "columns": [
            (at, 0, ()) if each is None else (at, each.first_row, each.signed())
            for at, each in zip((moments // 1000).tolist(), shown, strict=True)
        ],
    }
    text = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    return HttpResponse(text, content_type="application/json")


def cells(moments: Integers, shown: Sequence[Sizes | None], used: int) -> dict[str, Integers]:
    """Return the cells that are not empty, by time and price."""
    parts: list[list[Integers]] = [[np.empty(0, np.int64)] * 4]
    for at, each in zip(moments.tolist(), shown, strict=True):
        if each is not None:
            places = np.flatnonzero(each.bids + each.asks)
            ticks = (places + each.first_row) * used
            parts.append([np.full(len(places), at), ticks, each.bids[places], each.asks[places]])
    found = (np.concatenate(column) for column in zip(*parts, strict=True))
    return dict(zip(TABLE.dtype.names or (), found, strict=True))
