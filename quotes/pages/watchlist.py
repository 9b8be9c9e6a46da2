"""Rows of the watchlist: last price, change and sparkline of each instrument."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from django.db.models import OuterRef, Subquery

from instruments.models import Instrument
from market.timeframes import TIMEFRAMES
from quotes.models import Candle, Quote
from quotes.pages.sparkline import points

WINDOW = timedelta(hours=24)
SPARKLINE_TIMEFRAME = TIMEFRAMES["15m"]
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class WatchlistRow:
    """One instrument. `base_ticks` is the price at the start of WINDOW, None without history."""

    instrument: Instrument
    last: Quote | None = None
    base_ticks: int | None = None
    closes: Sequence[int] = field(default=())

    @property
    def precision(self) -> int:
        return self.instrument.lattice.precision

    @property
    def last_seq(self) -> int:
        return 0 if self.last is None else self.last.seq

    @property
    def price(self) -> str:
        return "" if self.last is None else str(self.instrument.lattice.price(self.last.ticks))

    @property
    def base_price(self) -> str:
        return (
            "" if self.base_ticks is None else str(self.instrument.lattice.price(self.base_ticks))
        )

    @property
    def change_ticks(self) -> int:
        if self.last is None or self.base_ticks is None:
            return 0
        return self.last.ticks - self.base_ticks

    @property
    def change(self) -> str:
        """The signed price change, e.g. +1.25."""
        change = self.instrument.lattice.price(abs(self.change_ticks))
        return f"{sign(self.change_ticks)}{change}"

    @property
    def change_percent(self) -> str:
        percent = 100 * abs(self.change_ticks) / self.base_ticks if self.base_ticks else 0.0
        return f"{sign(self.change_ticks)}{percent:.2f} %"

    @property
    def direction(self) -> Literal["up", "down", "flat"]:
        if self.change_ticks == 0:
            return "flat"
        return "up" if self.change_ticks > 0 else "down"

    @property
    def sparkline(self) -> str:
        """Points of the sparkline (`quotes.pages.sparkline`), empty for under two closes."""
        return points(self.closes)


def sign(ticks: int) -> str:
    if ticks == 0:
        return ""
    return "+" if ticks > 0 else MINUS


def watchlist_rows(instruments: Sequence[Instrument]) -> list[WatchlistRow]:
    """Return one row per instrument, using three queries in all."""
    last = last_quotes(instruments)
    candles = window_candles(last)
    return [
        watchlist_row(instrument, last.get(instrument.pk), candles[instrument.pk])
        for instrument in instruments
    ]


def watchlist_row(
    instrument: Instrument, last: Quote | None, candles: Sequence[Candle]
) -> WatchlistRow:
    if last is None:
        return WatchlistRow(instrument)
    # Windows end at the last tick of each instrument: a replay has times in the past.
    recent = [candle for candle in candles if candle.opened_at >= last.at - WINDOW]
    if not recent:
        return WatchlistRow(instrument, last)
    closes = [recent[0].open, *(candle.close for candle in recent), last.ticks]
    return WatchlistRow(instrument, last, recent[0].open, closes)


def last_quotes(instruments: Sequence[Instrument]) -> dict[int, Quote]:
    """Return the newest quotes by primary key of the instrument."""
    newest = Quote.objects.filter(instrument=OuterRef("pk")).order_by("-at").values("pk")[:1]
    keys = (
        Instrument.objects.filter(pk__in=[instrument.pk for instrument in instruments])
        .annotate(last_quote=Subquery(newest))
        .values_list("last_quote", flat=True)
    )
    found = Quote.objects.filter(pk__in=[key for key in keys if key is not None])
    return {quote.instrument_id: quote for quote in found}


def window_candles(last: dict[int, Quote]) -> defaultdict[int, list[Candle]]:
    """Return the closed candles since the earliest window start, by key of the instrument."""
    candles: defaultdict[int, list[Candle]] = defaultdict(list)
    if not last:
        return candles
    start = min(quote.at for quote in last.values()) - WINDOW
    found = Candle.objects.filter(
        instrument__in=list(last), timeframe=SPARKLINE_TIMEFRAME, opened_at__gte=start
    )
    for candle in found.order_by("instrument", "opened_at"):
        candles[candle.instrument_id].append(candle)
    return candles
