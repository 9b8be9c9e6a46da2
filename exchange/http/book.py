"""The order book over HTTP: now, or at any moment since it has been recorded."""

from typing import Any, Final

import numpy as np
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotFound

from archive.columns import Columns
from exchange.depth.history import NOW, StoredBook, book_at, first_at
from exchange.depth.images import level_rows
from exchange.engine.messages import BUY, SELL
from instruments.models import Instrument
from market.kinds import Column, Table, Unit
from market.times import from_microseconds
from quotes.http.tables import BLOCKS, find_instrument
from web import formats
from web.formats import MOST_LEVELS
from web.tables import file_response
from web.views import HistoryView, file_name, read

LEVELS: Final = Table(
    name="book",
    dtype=np.dtype([("side", np.int64), ("ticks", np.int64), ("lots", np.int64)]),
    table="",
    columns=(
        Column("side", "side", Unit.SIDE),
        Column("price", "ticks", Unit.PRICE),
        Column("quantity", "lots", Unit.QUANTITY),
    ),
)
"""The rows of CSV and Arrow; they are not stored in this form."""
SIDE_SCHEMA: Final = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    "description": "Price and total quantity of each level, best first.",
}
BOOK_SCHEMA: Final = {
    "type": "object",
    "required": ["symbol", "seq", "at", "bids", "asks"],
    "properties": {
        "symbol": {"type": "string"},
        "seq": {"type": "integer", "description": "Of the last block that had ended."},
        "at": {"type": "integer", "description": "The moment of this book, epoch ms."},
        "bids": SIDE_SCHEMA,
        "asks": SIDE_SCHEMA,
    },
}


class BookView(HistoryView):
    @formats.documented("book_read", ["depth", "at"], BOOK_SCHEMA, formats=formats.TABLE_FORMATS)
    def get(self, request: HttpRequest, symbol: str) -> HttpResponseBase:
        """The best levels of the order book, now or at a past moment, to the microsecond.

        `at` later than the end of what is recorded means that end; `at` of the answer tells. The
        topic `book.SYMBOL` continues a book of now: its deltas after `seq` apply to it.
        """
        instrument = find_instrument(symbol)
        asked = read(request, "depth", "at", "format", formats=formats.TABLE_FORMATS)
        depth = asked.whole("depth", 1, MOST_LEVELS, 50)
        stored = stored_book(instrument, asked.moment("at"))
        wanted = request.GET.get("format") or "json"
        if wanted == "json":
            return formats.json_response(as_json(instrument, stored, depth))
        rows = Columns(LEVELS, instrument.lattice, level_columns(stored, depth))
        return file_response(file_name(request, instrument), wanted, BLOCKS[wanted](LEVELS, [rows]))


def stored_book(instrument: Instrument, at: int | None) -> StoredBook:
    """Return the book at a moment (None: now); raise NotFound where there is none."""
    stored = book_at(instrument.pk, NOW if at is None else at)
    if stored is not None:
        return stored
    first = first_at(instrument.pk)
    if first is None and instrument.has_book:
        raise NotFound(
            f"the order book of {instrument.symbol} is not recorded yet: "
            "it appears while a market runs, or by `manage.py backfill`"
        )
    if first is None:
        raise NotFound(f"{instrument.symbol} has no order book")
    since = from_microseconds(first).isoformat()
    raise NotFound(f"the order book of {instrument.symbol} is recorded only from {since} on")


def as_json(instrument: Instrument, stored: StoredBook, depth: int) -> dict[str, Any]:
    sides = {
        name: level_rows(stored.book, side, instrument.lattice, depth)
        for name, side in (("bids", BUY), ("asks", SELL))
    }
    return {"symbol": instrument.symbol, "seq": stored.seq, "at": stored.at // 1000, **sides}


def level_columns(stored: StoredBook, depth: int) -> dict[str, Any]:
    """Return the levels as columns: bids, then asks, best first."""
    bids, asks = (stored.book.levels(side, depth) for side in (BUY, SELL))
    return {
        "side": np.repeat([BUY, SELL], [len(bids.ticks), len(asks.ticks)]),
        "ticks": np.concatenate((bids.ticks, asks.ticks)),
        "lots": np.concatenate((bids.lots, asks.lots)),
    }
