"""Trades over HTTP: as a table, and as time and sales for flowsurface."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import ClassVar, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from archive import rangescans
from archive.columns import Columns
from archive.rangescans import chunks, until_now
from archive.selections import Selection, Span, select
from exchange.http.timeandsales import FIELDS, time_and_sales
from exchange.kinds import TRADES, TRADES_WITH_IDS
from instruments.lattice import Lattice
from instruments.models import Instrument
from market.kinds import Kind
from quotes.http.tables import KindView, find_instrument, kind_view
from web import formats
from web.parameters import Parameters, refused
from web.tables import stream_response
from web.views import HistoryView, read

MOST_TRADES: Final = 1_000_000
IDS: Final = OpenApiParameter(
    "ids",
    {"type": "string", "enum": ["on", "off"], "default": "off"},
    description="on: also the order ids maker and taker; negative ids are orders of accounts.",
)


class IdsView(KindView):
    own_parameters: ClassVar[tuple[OpenApiParameter, ...]] = (IDS,)

    def shown(self, asked: Parameters) -> Kind:
        return TRADES_WITH_IDS if asked.choice("ids", ("on", "off"), "off") == "on" else self.kind


TradesView = kind_view(TRADES, IdsView)


def inclusive(name: str) -> OpenApiParameter:
    schema = formats.MOMENT_SCHEMA
    return OpenApiParameter(name, schema, description=f"Inclusive. {formats.MOMENT}")


class TimeAndSalesView(HistoryView):
    @extend_schema(
        operation_id="time_and_sales",
        tags=["history"],
        parameters=[
            OpenApiParameter("symbol", OpenApiTypes.STR, required=True, description="In any case."),
            inclusive("from"),
            inclusive("to"),
            *(
                OpenApiParameter(name, schema, description=meaning)
                for name in ("start", "end")
                for schema, meaning in [formats.DESCRIPTIONS[name]]
            ),
            OpenApiParameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MOST_TRADES},
                description="Trades at most; default: all.",
            ),
            *(
                OpenApiParameter(name, OpenApiTypes.STR, description="Ignored.")
                for name in ("venue", "market")
            ),
        ],
        responses=formats.responses({(200, formats.ARROW): OpenApiTypes.BINARY}),
    )
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Trades as an Arrow IPC stream: ts (int64, epoch ms), price, qty (float64), is_sell.

        The parameters from, to, venue and market are those of flowsurface, a chart of order flow.
        It asks for the next page from the millisecond after the last trade on, so with `from` the
        last millisecond is complete, even if `limit` is exceeded.
        """
        names = ("symbol", "start", "end", "from", "to", "limit", "venue", "market")
        asked = read(request, *names)
        instrument = named(request.GET.get("symbol", ""))
        limit = asked.whole("limit", 1, MOST_TRADES, 0) if "limit" in request.GET else None
        selection = select(TRADES, instrument.pk, span=span(asked), fields=FIELDS)
        found = until_now(selection)
        parts = chunks(found, instrument.lattice, limit)
        if request.GET.get("from"):
            parts = with_last_millisecond(parts, found, instrument.lattice)
        blocks = time_and_sales(chain([next(parts)], parts))  # an error there sets the status
        return stream_response(f"{instrument.symbol}-trades", "arrow", blocks)


def with_last_millisecond(
    parts: Iterator[Columns], selection: Selection, lattice: Lattice
) -> Iterator[Columns]:
    """Yield the parts of a selection, then what else it has of the millisecond of their end."""
    part = None
    for part in parts:
        yield part
    if part is not None and len(part):
        end = (int(part["at"][-1]) // 1_000 + 1) * 1_000
        if selection.span.end is not None:
            end = min(end, selection.span.end)
        rest = selection.beyond(selection.key_of(part.numbers, -1))
        yield rangescans.read(replace(rest, span=Span(None, end)), lattice)


def span(asked: Parameters) -> Span:
    """Return the span from start or `from`, until `end` or `to` (inclusive)."""
    start, end = asked.span()
    first, last = asked.moment("from"), asked.moment("to")
    if first is not None:
        start = first if start is None else max(start, first)
    if last is not None:
        after = last + 1_000  # all microseconds of that millisecond
        end = after if end is None else min(end, after)
    return Span(start, end)


def named(symbol: str) -> Instrument:
    """Return an instrument; programs may write its symbol in lower case."""
    if not symbol:
        raise refused("symbol", "missing: name an instrument, e.g. BTCUSDT")
    return find_instrument(symbol.upper())
