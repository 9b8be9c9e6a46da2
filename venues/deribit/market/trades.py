"""Public trades, by number or by time."""

from collections.abc import Iterable
from typing import Any, Final

from archive import records
from archive.rangescans import read
from archive.selections import EVER, Span, select
from exchange.clearing.orders import LARGEST_ID
from exchange.kinds import TRADES
from market.keys import row_key
from quotes.models import Quote
from venues.deribit.listed import Listed
from venues.deribit.traderows import Traded, trade_rows

FIELDS: Final = ("seq", "at", "ticks", "lots", "side", "slot", "taker")


def newest(listed: Listed, count: int, span: Span = EVER) -> tuple[list[dict[str, Any]], bool]:
    """Return the newest trades of a span of time, ascending, and whether there are older ones."""
    selection = select(TRADES, listed.key, span=span, fields=FIELDS, newest=True)
    found = read(selection, listed.lattice, count + 1)
    columns = [found[name].tolist() for name in FIELDS]
    rows = list(zip(*columns, strict=True))
    return shown(listed, rows[-count:], rows[0][2] if len(rows) > count else 0), len(rows) > count


def oldest(listed: Listed, count: int, span: Span) -> tuple[list[dict[str, Any]], bool]:
    """Return the first trades of a span of time, and whether there are newer ones."""
    found = read(select(TRADES, listed.key, span=span, fields=FIELDS), listed.lattice, count + 1)
    rows = list(zip(*(found[name].tolist() for name in FIELDS), strict=True))
    return shown(listed, rows[:count]), len(rows) > count


def numbered(
    listed: Listed, first: int | None, last: int | None, count: int
) -> tuple[list[dict[str, Any]], bool]:
    """Return trades with first <= seq <= last, at most `count`, the newest unless `first` is given.

    Ascending, and whether there are more.
    """
    end = records.newest_seq(TRADES, listed.instrument)
    high = end if last is None else min(last, end)
    low = max(1, high - count + 1) if first is None else max(1, first)
    top = min(high, low + count - 1)
    found = records.read(TRADES, listed.instrument, max(0, low - 2), top)
    columns = [found[name].tolist() for name in FIELDS]
    rows = list(zip(*columns, strict=True))
    before = rows[0][2] if rows and rows[0][0] < low else 0
    wanted = [row for row in rows if row[0] >= low]
    return shown(listed, wanted, before), (low > 1 if first is None else top < high)


def shown(listed: Listed, rows: Iterable[Any], before: int = 0) -> list[dict[str, Any]]:
    """Return rows of FIELDS as Deribit shows them, with the mark price at each."""
    found = list(rows)
    marks = marks_in(listed, {slot for *_, slot, _ in found})
    trades = [
        Traded(seq, at, ticks, lots, side, marks.get(slot, 0), taker < -LARGEST_ID)
        for seq, at, ticks, lots, side, slot, taker in found
    ]
    return trade_rows(listed.contract, trades, before)


def marks_in(listed: Listed, slots: set[int]) -> dict[int, int]:
    """Return the mark price within slots: the quote with which each began."""
    keys = {row_key(listed.key, slot - 1): slot for slot in slots if slot > 1}
    quotes = Quote.objects.filter(pk__in=list(keys)).values_list("pk", "ticks")
    return {keys[key]: ticks for key, ticks in quotes}
