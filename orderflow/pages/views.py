"""The order-flow page of an instrument with a book, or with trades recorded from a venue."""

from functools import cache
from pathlib import Path
from typing import Final

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange.kinds import TRADES
from instruments.models import Instrument
from journal import streams
from market.timeframes import TIMEFRAMES
from orderflow.measures.entries import ENTRIES
from quotes.pages.views import not_found
from quotes.pages.watchlist import watchlist_rows

SPEEDS: Final = (1, 2, 5, 10, 30, 60, 120, 300)
"""Of a replay."""


@require_safe
def orderflow(request: HttpRequest, symbol: str) -> HttpResponse:
    found = Instrument.objects.filter(symbol=symbol).first()
    if found is None:
        return not_found(request, f"There is no instrument {symbol}.")
    if not (found.has_book or streams.ends(TRADES, [symbol]).get(symbol)):
        reason = f"{symbol} has no order book and no recorded trades, so there is no order flow."
        return not_found(request, reason)
    context = {
        "row": watchlist_rows([found])[0],
        "timeframes": TIMEFRAMES,
        "speeds": SPEEDS,
        "measures": ENTRIES,
        "modules": modules(),
    }
    return render(request, "orderflow/orderflow.html", context)


@cache
def modules() -> list[str]:
    """Return the scripts of the page, which a browser would otherwise find one after another."""
    main = finders.find("js/orderflow/orderflow.js")
    if main is None:
        return []
    return [f"js/orderflow/{path.name}" for path in sorted(Path(main).parent.glob("*.js"))]
