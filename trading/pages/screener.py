"""The screener: every instrument with its price, change, volume, volatility, spread, imbalance."""

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final

from django.db.models import Max, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange.accounts.loading import marks
from exchange.models import TradeCandle
from instruments.models import Instrument
from live.drivers import states
from quotes.models import Candle
from quotes.pages.views import not_found
from trading.books import RecordedBooks
from trading.pages.sorting import heading
from web.sharedresults import SharedResult

MINUTE_S: Final = 60
WINDOW: Final = timedelta(hours=1)
LEVELS: Final = 5
FRESH_S: Final = 2.0


@dataclass(frozen=True)
class Screened:
    """An instrument now. None: not known, for example because it has no order book."""

    symbol: str
    name: str
    price: str
    last: float | None = None
    change: float | None = None
    """Percent over the last hour."""
    volume: float | None = None
    """Traded in the last hour."""
    volatility: float | None = None
    """Standard deviation of returns over one minute in the last hour, in basis points."""
    spread: float | None = None
    """Basis points of the middle."""
    imbalance: float | None = None
    """Share of the bids in the best five levels."""
    has_stopped: bool = False
    """Whether no process drives it: its figures are the last ones."""


SORTS: Final[Mapping[str, Callable[[Screened], float | str | None]]] = {
    "symbol": lambda row: row.symbol,
    "last": lambda row: row.last,
    "change": lambda row: row.change,
    "volume": lambda row: row.volume,
    "volatility": lambda row: row.volatility,
    "spread": lambda row: row.spread,
    "imbalance": lambda row: row.imbalance,
}
TITLES: Final = {
    "symbol": "Symbol",
    "last": "Price",
    "change": "Change 1 h, %",
    "volume": "Volume 1 h",
    "volatility": "Volatility, bp",
    "spread": "Spread, bp",
    "imbalance": "Imbalance",
}


@require_safe
def screener(request: HttpRequest) -> HttpResponse:
    """Show all instruments, sorted by a column; '-' before its name: descending."""
    asked = request.GET.get("sort", "symbol")
    column = asked.removeprefix("-")
    if column not in SORTS:
        return not_found(request, f"There is no column {column}; use one of {', '.join(SORTS)}.")
    is_descending = asked.startswith("-")
    headings = [
        heading(name, TITLES[name], asked, request.GET, is_number=name != "symbol")
        for name in TITLES
    ]
    rows = ordered(screened.get(), column, is_descending)
    stopped = sum(row.has_stopped for row in rows)
    context = {"rows": rows, "headings": headings, "stopped": stopped}
    return render(request, "trading/screener.html", context)


def ordered(rows: list[Screened], column: str, is_descending: bool) -> list[Screened]:
    """Sort rows; those without a value come last in both directions."""
    value = SORTS[column]
    known = [row for row in rows if value(row) is not None]
    known.sort(key=value, reverse=is_descending)  # type: ignore[arg-type]  # of one type
    return known + [row for row in rows if value(row) is None]


def read_all() -> list[Screened]:
    """Read what the page shows, for all visitors together."""
    instruments = list(Instrument.objects.order_by("pk"))
    prices = marks([each.pk for each in instruments])
    now = states(each.symbol for each in instruments)
    return [
        _screened(each, prices.get(each.pk), has_stopped=now[each.symbol] == "stopped")
        for each in instruments
    ]


def _screened(instrument: Instrument, mark: int | None, *, has_stopped: bool) -> Screened:
    if mark is None:
        return Screened(
            symbol=instrument.symbol, name=instrument.name, price="", has_stopped=has_stopped
        )
    closes = _closes(instrument)
    spread, imbalance = _book(instrument)
    return Screened(
        symbol=instrument.symbol,
        name=instrument.name,
        price=f"{instrument.lattice.price(mark):f}",
        last=float(instrument.lattice.price(mark)),
        change=round(100 * (mark / closes[0] - 1), 2) if closes else None,
        volume=_volume(instrument) if instrument.has_book else None,
        volatility=_volatility(closes),
        spread=spread,
        imbalance=imbalance,
        has_stopped=has_stopped,
    )


def _closes(instrument: Instrument) -> list[int]:
    """Return the closes of the last hour by minute, oldest first."""
    found = Candle.objects.filter(instrument=instrument, timeframe=MINUTE_S)
    newest = found.order_by("-opened_at").values_list("close", flat=True)
    return list(newest[: WINDOW // timedelta(seconds=MINUTE_S)])[::-1]


def _volatility(closes: list[int]) -> float | None:
    returns = [math.log(b / a) for a, b in pairwise(closes)]
    return 1e4 * statistics.pstdev(returns) if len(returns) > 1 else None


def _volume(instrument: Instrument) -> float | None:
    found = TradeCandle.objects.filter(instrument=instrument, timeframe=MINUTE_S)
    newest = found.aggregate(newest=Max("opened_at"))["newest"]
    if newest is None:
        return None
    lots = found.filter(opened_at__gt=newest - WINDOW).aggregate(lots=Sum("volume"))["lots"]
    return float(instrument.lattice.quantity(lots))


def _book(instrument: Instrument) -> tuple[float | None, float | None]:
    """Return spread and imbalance; None without both sides of a book."""
    book = RecordedBooks().book(instrument) if instrument.has_book else None
    if book is None or not book.bids or not book.asks:
        return None, None
    bid, ask = book.bids[0].ticks, book.asks[0].ticks
    bids, asks = (sum(level.lots for level in side[:LEVELS]) for side in (book.bids, book.asks))
    return 2e4 * (ask - bid) / (ask + bid), bids / (bids + asks)


screened: Final = SharedResult(read_all, FRESH_S)
