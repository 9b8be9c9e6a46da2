"""History over HTTP: instruments, quotes, candles, regimes (docs at /api/docs/)."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter

from market import aggregations
from market.timeframes import TIMEFRAMES
from quotes.http import history
from quotes.http.history import CANDLE_COLUMNS, REGIME_COLUMNS
from quotes.http.summaries import SUMMARY_COLUMNS, Summary, summaries
from quotes.http.tables import answer_all, answer_page, find_instrument, kind_view
from quotes.kinds import QUOTES
from web import formats
from web.parameters import MOST_ROWS, cursor_text
from web.views import PAGED, HistoryView, read, unknown_instrument

QuotesView = kind_view(QUOTES)
OF: Final = OpenApiParameter(
    "of",
    {"type": "string", "enum": list(aggregations.names()), "default": QUOTES.name},
    description="What the candles are made of.",
)


def summary_response(request: HttpRequest, name: str, listed: list[Summary]) -> HttpResponse:
    return formats.csv_response(name, SUMMARY_COLUMNS, [summary_cells(row) for row in listed])


def summary_cells(summary: Summary) -> list[object]:
    """Return the cells of a line of CSV."""
    row: dict[str, object] = {
        **summary,
        "name": formats.inert(summary["name"]),
        "currency": formats.inert(summary["currency"]),
        "lot_size": f"{summary['lot_size']:.{summary['quantity_precision']}f}",
        "has_book": "true" if summary["has_book"] else "false",
    }
    (cells,) = formats.decimals(SUMMARY_COLUMNS, [tuple(row.values())], summary["price_precision"])
    return list(cells)


class InstrumentsView(HistoryView):
    @formats.documented(
        "instruments_list", ["format"], formats.INSTRUMENTS_SCHEMA, with_symbol=False
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """All instruments, with the ends of their histories."""
        read(request, "format")
        listed = summaries()
        if request.GET.get("format") == "csv":
            return summary_response(request, "instruments", listed)
        return formats.json_response(listed)


class InstrumentView(HistoryView):
    @formats.documented("instruments_read", ["format"], formats.INSTRUMENT_SCHEMA)
    def get(self, request: HttpRequest, symbol: str) -> HttpResponse:
        """One instrument, with the ends of its history."""
        read(request, "format")
        listed = [] if "\0" in symbol else summaries(symbol)
        if not listed:
            raise unknown_instrument(symbol)
        if request.GET.get("format") == "csv":
            return summary_response(request, symbol, listed)
        return formats.json_response(listed[0])


class CandlesView(HistoryView):
    @formats.documented(
        "candles_list",
        ["timeframe", OF, *PAGED],
        formats.table_schema(CANDLE_COLUMNS),
        formats=formats.TABLE_FORMATS,
    )
    def get(self, request: HttpRequest, symbol: str) -> HttpResponseBase:
        """Candles in ascending order; the open one is last where the span reaches it.

        With `start`, `next_cursor` pages ahead. Without, the newest `limit`; page back by giving
        the `opened_at` of the first row as `end`. Arrow, and CSV with `limit=all`: all of them.
        Candles of trades have further columns.
        """
        asked = read(request, "timeframe", "of", *PAGED, formats=formats.TABLE_FORMATS)
        of = aggregations.find(asked.choice("of", aggregations.names(), QUOTES.name))
        found = None if "\0" in symbol else history.instrument_and_newest(symbol, of)
        if found is None:
            raise unknown_instrument(symbol)
        timeframe_s = asked.timeframe_s()
        start, end = asked.span()
        kind = f"{of.table.name}-{timeframe_s}"
        after = asked.cursor(kind)
        if after is not None:
            start = after * 1000 + 1
        if asked.is_export:
            parts = history.every_candle(*found, timeframe_s, start, end, of)
            return answer_all(request, found[0], of.table, parts)
        page = history.candles_until(*found, timeframe_s, start, end, asked.limit(), of)
        extra = {
            "timeframe": request.GET.get("timeframe") or next(iter(TIMEFRAMES)),
            "open_candle": page.open_candle,
        }
        return answer_page(request, found[0], page, kind, extra)


class RegimesView(HistoryView):
    @formats.documented("regimes_list", PAGED, formats.table_schema(REGIME_COLUMNS))
    def get(self, request: HttpRequest, symbol: str) -> HttpResponse:
        """Regimes in force between start and end; the one in force now has no end yet."""
        instrument = find_instrument(symbol)
        asked = read(request, *PAGED)
        start, end = asked.span()
        after = asked.cursor("regimes") or 0
        page = history.regimes(instrument, start, end, asked.limit(MOST_ROWS), after)
        cursor = cursor_text("regimes", page.more_after)
        return self.table(request, instrument, REGIME_COLUMNS, page, cursor=cursor)
