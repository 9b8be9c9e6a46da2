"""The changes of the order book over HTTP, e.g. to replay it."""

from typing import Final

import numpy as np
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotFound

from archive.columns import Columns
from archive.selections import Span
from exchange.depth.changes import book_changes
from exchange.depth.history import first_at
from market.kinds import AT, SEQ, Column, Table, Unit
from quotes.http.history import ColumnPage
from quotes.http.tables import answer_page, find_instrument
from web import formats
from web.views import PAGED, HistoryView, read

CHANGES: Final = Table(
    name="book_changes",
    dtype=np.dtype(
        [(name, np.int64) for name in ("seq", "at", "side", "ticks", "lots")],
    ),
    table="",
    columns=(
        SEQ,
        AT,
        Column("side", "side", Unit.SIDE),
        Column("price", "ticks", Unit.PRICE),
        Column("quantity", "lots", Unit.QUANTITY),
    ),
)
"""The rows of a page; they are stored in blocks."""


class BookChangesView(HistoryView):
    @formats.documented(
        "book_changes_list",
        PAGED,
        formats.records_schema(CHANGES.columns),
        formats=formats.TABLE_FORMATS,
    )
    def get(self, request: HttpRequest, symbol: str) -> HttpResponseBase:
        """Every change of a level of the order book: its new total quantity, 0 if it is gone.

        Applied in order to the book of a moment (`book/?at=`), those after it make the book of any
        later moment. seq is that of the block in which a change is stored; pages end with blocks.
        """
        instrument = find_instrument(symbol)
        asked = read(request, *PAGED, formats=formats.TABLE_FORMATS)
        if first_at(instrument.pk) is None:
            raise NotFound(f"{instrument.symbol} has no order book")
        after = max(0, asked.cursor(CHANGES.name) or 0)
        found = book_changes(instrument.pk, Span(*asked.span()), after=after, most=asked.limit())
        numbers = {name: found.updates[name] for name in ("at", "side", "ticks", "lots")}
        columns = Columns(CHANGES, instrument.lattice, {"seq": found.seqs, **numbers})
        page = ColumnPage(columns, found.more_after)
        return answer_page(request, instrument, page, CHANGES.name)
