"""Instruments with the ends of their histories, in one query of index look-ups."""

from typing import Any, Final, TypedDict

from django.db.models import BigIntegerField, ExpressionWrapper, OuterRef, QuerySet, Subquery

from instruments.models import Instrument
from market.keys import SEQ_BITS
from market.times import to_microseconds
from quotes.models import Quote

SUMMARY_COLUMNS: Final = (
    "symbol", "name", "tick_size", "price_precision", "currency",
    "first_at", "last_at", "last_seq", "last_price", "lot_size", "quantity_precision", "has_book",
)  # fmt: skip


class Summary(TypedDict):
    """An instrument on the wire; times in epoch ms, null where there is no quote yet."""

    symbol: str
    name: str
    tick_size: float
    price_precision: int
    currency: str
    first_at: int | None
    last_at: int | None
    last_seq: int
    last_price: float | None
    lot_size: float
    quantity_precision: int
    has_book: bool


def summaries(symbol: str | None = None) -> list[Summary]:
    """Return all instruments, or the one of `symbol` (empty: there is none)."""
    instruments = Instrument.objects.order_by("id")
    if symbol is not None:
        instruments = instruments.filter(symbol=symbol)
    return [summary(instrument) for instrument in with_ends(instruments)]


def with_ends(instruments: QuerySet[Instrument]) -> QuerySet[Any]:
    """Annotate first_at, last_at, last_seq, last_ticks."""
    start = ExpressionWrapper(OuterRef("pk") * 2**SEQ_BITS, output_field=BigIntegerField())
    end = ExpressionWrapper((OuterRef("pk") + 1) * 2**SEQ_BITS, output_field=BigIntegerField())
    quotes = Quote.objects.filter(pk__gt=start, pk__lt=end)
    first, last = quotes.order_by("pk"), quotes.order_by("-pk")
    return instruments.annotate(
        first_at=Subquery(first.values("at")[:1]),
        last_at=Subquery(last.values("at")[:1]),
        last_seq=Subquery(last.values("seq")[:1]),
        last_ticks=Subquery(last.values("ticks")[:1]),
    )


def summary(instrument: Any) -> Summary:
    """Return the wire form of an instrument of `with_ends`."""
    lattice = instrument.lattice
    first_at, last_at = instrument.first_at, instrument.last_at
    ticks = instrument.last_ticks
    return {
        "symbol": instrument.symbol,
        "name": instrument.name,
        "tick_size": float(instrument.tick_size),
        "price_precision": lattice.precision,
        "currency": instrument.currency,
        "first_at": None if first_at is None else to_microseconds(first_at) // 1000,
        "last_at": None if last_at is None else to_microseconds(last_at) // 1000,
        "last_seq": instrument.last_seq or 0,
        "last_price": None if ticks is None else lattice.number(ticks),
        "lot_size": float(instrument.lot_size),
        "quantity_precision": lattice.quantities.precision,
        "has_book": instrument.has_book,
    }
