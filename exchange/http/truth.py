"""The truth of the exchange over HTTP: estimates from records, beside their exact values."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import NotFound

from archive.selections import Span
from exchange.truth.board import StretchReport, make_report, newest_report
from exchange.truth.reports import agrees
from exchange.truth.stretches import NoStretchError
from quotes.http.tables import find_instrument
from web import formats
from web.tables import Page
from web.views import HistoryView, read

COLUMNS: Final = ("group", "quantity", "estimate", "exact", "standard_error", "agrees")
CELL: Final = {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "boolean"}]}
COUNT: Final = {"type": "integer"}
CLAIM: Final = {
    "type": "object",
    "nullable": True,
    "description": "The predictor that takes metaorders for information, in slots with informed "
    "flow: how often it claims to be right, and how often it is.",
    "required": ["slots", "claimed", "reached"],
    "properties": {
        "slots": COUNT,
        "claimed": {"type": "number"},
        "reached": {"type": "number"},
    },
}


def schema() -> dict[str, Any]:
    table = formats.table_schema(COLUMNS, CELL)
    counts = (
        "first_slot", "last_slot", "start", "end", "market_orders", "books", "account_trades",
    )  # fmt: skip
    table["properties"] |= dict.fromkeys(counts, COUNT) | {"naive": CLAIM}
    table["required"] += [*counts, "naive"]
    return table


class TruthView(HistoryView):
    @formats.documented("truth_read", ["start", "end"], schema())
    def get(self, request: HttpRequest, symbol: str) -> HttpResponse:
        """Estimates from quotes, trades and books, beside exact values that only a simulation has.

        Of the newest 86,400 slots in the span. Without one, of the newest 21,600, computed once a
        minute. An estimate agrees within 4 standard errors. 503: too many are being computed.
        """
        instrument = find_instrument(symbol)
        start, end = read(request, "start", "end", "format").span()
        try:
            if start is None and end is None:
                found = newest_report(instrument)
            else:
                found = make_report(instrument, span=Span(start, end))
        except NoStretchError as error:
            raise NotFound(str(error)) from error
        rows = [
            (group.name, row.name, row.estimate, row.exact, row.standard_error, agrees(row))
            for group, row in found.report.rows
        ]
        return self.table(request, instrument, COLUMNS, Page(rows, None), described(found))


def described(found: StretchReport) -> dict[str, Any]:
    stretch, report = found.stretch, found.report
    return {
        "first_slot": stretch.first,
        "last_slot": stretch.last,
        "start": int(stretch.at[0]) // 1000,
        "end": int(stretch.at[-1]) // 1000,
        "market_orders": report.market_orders,
        "books": report.books,
        "account_trades": stretch.account_trades,
        "naive": report.naive and report.naive._asdict(),
    }
