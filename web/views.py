"""The view that every public read of a table builds on."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from instruments.models import Instrument
from web import formats
from web.parameters import Parameters
from web.tables import Page

PAGED: Final = ("start", "end", "limit", "cursor", "format")


class AnyClient(DefaultContentNegotiation):  # type: ignore[misc]  # REST framework ships no types
    """The query names the format, whatever the client accepts."""

    def select_renderer(
        self, request: Any, renderers: Sequence[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class HistoryView(APIView):  # type: ignore[misc]  # REST framework ships no types
    """Public reads, which ignore sessions."""

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
        """Answer a page of rows as JSON or CSV."""
        if request.GET.get("format") == "csv":
            precision = instrument.lattice.precision
            rows = formats.decimals(columns, page.rows, precision, self.prices)
            response = formats.csv_response(file_name(request, instrument), columns, rows)
        else:
            body = {"symbol": instrument.symbol, **(extra or {}), "columns": columns}
            response = formats.json_response({**body, "rows": page.rows, "next_cursor": cursor})
        return formats.link_next(response, request, cursor)


def file_name(request: HttpRequest, instrument: Instrument) -> str:
    """Return e.g. ES-quotes, for /instruments/ES/quotes/."""
    return f"{instrument.symbol}-{request.path.rstrip('/').rsplit('/', 1)[-1]}"


def unknown_instrument(symbol: str) -> NotFound:
    return NotFound(f"there is no instrument {symbol!r}: see /api/v1/instruments/")


def read(
    request: HttpRequest, *allowed: str, formats: tuple[str, ...] = formats.FORMATS
) -> Parameters:
    """Return the checked query; raise ValidationError naming what is wrong."""
    parameters = Parameters(request.GET, allowed)
    parameters.choice("format", formats, "json")
    return parameters
