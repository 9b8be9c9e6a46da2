"""History over HTTP: instruments, quotes, candles, regimes (docs at /api/docs/)."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from instruments.models import Instrument
from market.keys import LARGEST_SEQ
from market.timeframes import TIMEFRAMES
from quotes.http import history
from quotes.http.columns import MOST_COLUMN_ROWS, Columns, candle_columns, quote_columns
from quotes.http.history import CANDLE_COLUMNS, QUOTE_COLUMNS, REGIME_COLUMNS, Page
from quotes.http.summaries import SUMMARY_COLUMNS, Summary, summaries
from web import formats
from web.parameters import MOST_ROWS, Parameters, cursor_text

PAGED = ("start", "end", "limit", "cursor", "format")


class AnyClient(BaseContentNegotiation):  # type: ignore[misc]
    """The address says the format, whatever a client says that it accepts."""

    def select_renderer(
        self, request: Any, renderers: Sequence[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class HistoryView(APIView):  # type: ignore[misc]
    """Public reads; no session is looked at."""

    authentication_classes: ClassVar[list[Any]] = []
    content_negotiation_class = AnyClient
    renderer_classes: ClassVar[list[Any]] = [JSONRenderer]
    prices: ClassVar[frozenset[str]] = formats.PRICES
    """Columns whose numbers have the decimals of the tick size."""

    def table(
        self,
        request: HttpRequest,
        instrument: Instrument,
        columns: Sequence[str],
        page: Page,
        extra: dict[str, Any] | None = None,
        cursor: str | None = None,
    ) -> HttpResponse:
        if request.GET.get("format") == "csv":
            precision = instrument.lattice.precision
            rows = formats.decimals(columns, page.rows, precision, self.prices)
            name = f"{instrument.symbol}-{request.path.rstrip('/').rsplit('/', 1)[-1]}"
            response = formats.csv_response(name, columns, rows)
        else:
            body = {"symbol": instrument.symbol, **(extra or {}), "columns": columns}
            response = formats.json_response({**body, "rows": page.rows, "next_cursor": cursor})
        return formats.link_next(response, request, cursor)


def find_instrument(symbol: str) -> Instrument:
    """Return the instrument; raise NotFound naming the symbol."""
    found = None if "\0" in symbol else history.instrument(symbol)
    if found is None:
        raise unknown(symbol)
    return found


def unknown(symbol: str) -> NotFound:
    return NotFound(f"there is no instrument {symbol!r}: see /api/v1/instruments/")


def read(
    request: HttpRequest, *allowed: str, formats: tuple[str, ...] = formats.FORMATS
) -> Parameters:
    """Return the checked query; raise ValidationError naming what is wrong."""
    parameters = Parameters(request.GET, allowed)
    parameters.choice("format", formats, "json")
    return parameters


def arrow(
    request: HttpRequest, instrument: Instrument, columns: Columns, kind: str
) -> HttpResponse:
    response = formats.arrow_response(f"{instrument.symbol}-{kind}", columns.table)
    return formats.link_next(response, request, cursor_text(kind, columns.more_after))


def summary_response(request: HttpRequest, name: str, listed: list[Summary]) -> HttpResponse:
    safe: list[Summary] = [
        {**row, "name": formats.inert(row["name"]), "currency": formats.inert(row["currency"])}
        for row in listed
    ]
    rows = [
        formats.decimals(SUMMARY_COLUMNS, [tuple(row.values())], row["price_precision"])[0]
        for row in safe
    ]
    return formats.csv_response(name, SUMMARY_COLUMNS, rows)


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
            raise unknown(symbol)
        if request.GET.get("format") == "csv":
            return summary_response(request, symbol, listed)
        return formats.json_response(listed[0])


class QuotesView(HistoryView):
    @formats.documented(
        "quotes_list",
        ["since_seq", *PAGED],
        formats.table_schema(QUOTE_COLUMNS),
        formats=formats.TABLE_FORMATS,
    )
    def get(self, request: HttpRequest, symbol: str) -> HttpResponse:
        """Quotes in ascending order, from the first one on, or after `since_seq`."""
        instrument = find_instrument(symbol)
        asked = read(request, "since_seq", *PAGED, formats=formats.TABLE_FORMATS)
        start, end = asked.span()
        since = asked.whole("since_seq", 0, LARGEST_SEQ, 0)
        after = asked.cursor("quotes")
        if after is not None:
            since = min(max(since, after), LARGEST_SEQ)
        if request.GET.get("format") == "arrow":
            most = asked.limit(MOST_COLUMN_ROWS)
            found = quote_columns(instrument, since, start, end, most)
            return arrow(request, instrument, found, "quotes")
        page = history.quotes(instrument, since, start, end, asked.limit())
        cursor = cursor_text("quotes", page.more_after)
        return self.table(request, instrument, QUOTE_COLUMNS, page, cursor=cursor)


class CandlesView(HistoryView):
    @formats.documented(
        "candles_list",
        ["timeframe", *PAGED],
        formats.table_schema(CANDLE_COLUMNS),
        formats=formats.TABLE_FORMATS,
    )
    def get(self, request: HttpRequest, symbol: str) -> HttpResponse:
        """Candles in ascending order; the one still open is the last where it is reached.

        With `start`: pages ahead by `next_cursor`. Without: the newest `limit`; go into the past
        by giving the `opened_at` of the first row as `end`.
        """
        found = None if "\0" in symbol else history.instrument_and_newest(symbol)
        if found is None:
            raise unknown(symbol)
        asked = read(request, "timeframe", *PAGED, formats=formats.TABLE_FORMATS)
        timeframe_s = asked.timeframe_s()
        start, end = asked.span()
        kind = f"candles-{timeframe_s}"
        after = asked.cursor(kind)
        if after is not None:
            start = after * 1000 + 1
        if request.GET.get("format") == "arrow":
            most = asked.limit(MOST_COLUMN_ROWS)
            columns = candle_columns(*found, timeframe_s, start, end, most)
            return arrow(request, found[0], columns, kind)
        page = history.candles_until(*found, timeframe_s, start, end, asked.limit())
        extra = {
            "timeframe": request.GET.get("timeframe") or next(iter(TIMEFRAMES)),
            "open_candle": page.open_candle,
        }
        cursor = cursor_text(kind, page.more_after)
        return self.table(request, found[0], CANDLE_COLUMNS, page, extra, cursor)


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
