"""The recorded prices of an index between two dates."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter

from archive.rangescans import chunks, until_now
from archive.selections import Span, select
from market.quoting import quoted
from market.times import to_microseconds
from quotes.http.history import page
from quotes.http.tables import answer_all, answer_page, find_instrument
from quotes.kinds import QUOTES
from venues.gateway.prices import symbol_of
from web import formats
from web.parameters import refused
from web.views import HistoryView, read

STRICT: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,6})?Z)?")
FORMAT: Final = "YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SSZ in UTC"
DATE_SCHEMA: Final[dict[str, Any]] = {"type": "string", "pattern": f"^{STRICT.pattern}$"}
OWN: Final = (
    OpenApiParameter("start_date", DATE_SCHEMA, description=f"From this moment on: {FORMAT}."),
    OpenApiParameter("end_date", DATE_SCHEMA, description=f"Before this moment: {FORMAT}."),
)
NAMES: Final = tuple(each.name for each in OWN)


class PricesView(HistoryView):
    @formats.documented(
        "venue_prices_list",
        [*OWN, "limit", "cursor"],
        formats.records_schema(QUOTES.columns),
        formats=formats.TABLE_FORMATS,
    )
    def get(self, request: Any, ticker: str) -> HttpResponseBase:
        """Prices in ascending order: the quotes of the instrument that the index is."""
        instrument = find_instrument(symbol_of(ticker))
        asked = read(request, *NAMES, "limit", "cursor", "format", formats=formats.TABLE_FORMATS)
        span = span_of(request.GET)
        selection = select(QUOTES, instrument.pk, span=span, since=asked.cursor(QUOTES.name) or 0)
        if asked.is_export:
            parts = chunks(until_now(selection), instrument.lattice)
            return answer_all(request, instrument, QUOTES, parts)
        found = page(selection, instrument, asked.limit(), "seq")
        return answer_page(request, instrument, found, QUOTES.name)


def span_of(query: Any) -> Span:
    """Return [start_date, end_date) in microseconds; raise ValidationError."""
    start, end = (moment(name, query.get(name)) for name in NAMES)
    if start is not None and end is not None and end <= start:
        given = quoted(query["end_date"])
        raise refused("end_date", f"{given} must be after start_date {query['start_date']}")
    return Span(start, end)


def moment(name: str, text: str | None) -> int | None:
    """Return a date as microseconds since 1970 UTC; raise ValidationError."""
    if text is None:
        return None
    if STRICT.fullmatch(text):
        with suppress(ValueError):  # the 30th of February
            return to_microseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))
    raise refused(name, f"{quoted(text)} is not a date: use {FORMAT}")
