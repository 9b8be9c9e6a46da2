"""Views of the watchlist and the instrument page."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from instruments.models import Instrument
from market.timeframes import TIMEFRAMES
from quotes.pages import sparkline
from quotes.pages.watchlist import watchlist_rows

ROWS_PER_PAGE = 100
DEFAULT_TIMEFRAME = "1m"


@require_safe
def watchlist(request: HttpRequest) -> HttpResponse:
    page = Paginator(Instrument.objects.order_by("id"), ROWS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "page": page,
        "rows": watchlist_rows(list(page)),
        "box": {"width": sparkline.WIDTH, "height": sparkline.HEIGHT},
    }
    return render(request, "quotes/watchlist.html", context)


@require_safe
def instrument(request: HttpRequest, symbol: str) -> HttpResponse:
    found = Instrument.objects.filter(symbol=symbol).first()
    if found is None:
        return not_found(request, f"There is no instrument {symbol}.")
    timeframe = request.GET.get("timeframe", DEFAULT_TIMEFRAME)
    if timeframe not in TIMEFRAMES:
        return not_found(
            request, f"There is no timeframe {timeframe}; use one of {', '.join(TIMEFRAMES)}."
        )
    context: dict[str, Any] = {
        "row": watchlist_rows([found])[0],
        "timeframe": timeframe,
        "timeframes": TIMEFRAMES,
    }
    return render(request, "quotes/instrument.html", context)


def not_found(request: HttpRequest, reason: str) -> HttpResponse:
    """Render the 404 page, also with DEBUG=on."""
    return render(request, "404.html", {"reason": reason}, status=404)
