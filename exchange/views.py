"""The page that compares the order flow with its truth."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange.truth.board import DEFAULT_WINDOW, WINDOWS, newest_report
from exchange.truth.stretches import NoStretchError
from instruments.models import Instrument
from market.times import from_microseconds
from quotes.pages.views import not_found
from web.concurrency import Busy


@require_safe
def truth(request: HttpRequest) -> HttpResponse:
    """Show estimates from trades and books beside their exact values."""
    instruments = list(Instrument.objects.filter(has_book=True).order_by("pk"))
    asked = request.GET.get("slots") or str(DEFAULT_WINDOW)
    window = next((window for window in WINDOWS if str(window) == asked), None)
    if window is None:
        listed = ", ".join(map(str, WINDOWS))
        return not_found(request, f"There is no report of {asked} slots: use {listed}.")
    symbol = request.GET.get("symbol") or (instruments[0].symbol if instruments else "")
    chosen = next((each for each in instruments if each.symbol == symbol), None)
    if instruments and chosen is None:
        return not_found(request, f"There is no instrument {symbol} with an order book.")
    context = {"instruments": instruments, "chosen": chosen, "windows": WINDOWS, "window": window}
    if chosen is not None:
        context |= shown(chosen, window)
    return render(request, "exchange/truth.html", context)


def shown(instrument: Instrument, window: int) -> dict[str, Any]:
    """Return what the template shows: a report, or why there is none yet."""
    try:
        found = newest_report(instrument, window)
    except NoStretchError as error:
        return {"reason": f"{error}."}
    except Busy:
        return {"reason": "Other reports are being computed. This one follows shortly."}
    until = from_microseconds(int(found.stretch.at[-1]))
    return {"stretch": found.stretch, "report": found.report, "until": until}
