"""The order-flow page of an instrument with a book."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from instruments.models import Instrument
from market.timeframes import TIMEFRAMES
from quotes.pages.views import not_found
from quotes.pages.watchlist import watchlist_rows

SPEEDS: Final = (1, 2, 5, 10, 30, 60, 120, 300)
"""Of a replay."""


@require_safe
def orderflow(request: HttpRequest, symbol: str) -> HttpResponse:
    found = Instrument.objects.filter(symbol=symbol).first()
    if found is None:
        return not_found(request, f"There is no instrument {symbol}.")
    if not found.has_book:
        return not_found(request, f"{symbol} has no order book, so there is no order flow.")
    context = {"row": watchlist_rows([found])[0], "timeframes": TIMEFRAMES, "speeds": SPEEDS}
    return render(request, "orderflow/orderflow.html", context)
