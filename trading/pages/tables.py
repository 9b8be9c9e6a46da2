"""Rows of listings as tables of a page: texts, numbers to the right, times in UTC."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exchange.accounts.listings import FLAG, NUMBER, TIME, Cell, Listing, M
from market.times import from_microseconds
from quotes.templatetags.numbers import minus

MISSING = "\N{EN DASH}"


@dataclass(frozen=True)
class Shown:
    """A cell of a row."""

    text: str
    is_number: bool = False
    link: str = ""


@dataclass(frozen=True)
class Row:
    """A row: its object, for buttons, and its cells."""

    of: Any
    cells: Sequence[Shown]


@dataclass(frozen=True)
class Table:
    """Headings and rows; the first cell of each row names it."""

    name: str
    headings: Sequence[Shown]
    rows: Sequence[Row]


def table(
    listing: Listing[M],
    rows: Iterable[M],
    columns: Sequence[str],
    link: Callable[[M], str] = lambda row: "",
) -> Table:
    """Return these columns of rows; `link`: where the first cell leads."""
    places = [listing.columns.index(name) for name in columns]
    cells = [listing.cells[place] for place in places]
    shown = []
    for row in rows:
        values = listing.values(row)
        texts = [_shown(listing.cells[place], values[place]) for place in places]
        texts[0] = Shown(texts[0].text, texts[0].is_number, link(row))
        shown.append(Row(row, texts))
    headings = [
        Shown(cell.name.replace("_", " ").capitalize(), cell.type is NUMBER) for cell in cells
    ]
    return Table(listing.name, headings, shown)


def _shown(cell: Cell, value: Any) -> Shown:
    if value is None or value == "":
        return Shown(MISSING, cell.type is NUMBER)
    if cell.type is TIME:
        return Shown(f"{from_microseconds(value):%b %d, %H:%M:%S}")
    if cell.type is FLAG:
        return Shown("yes" if value else "no")
    if isinstance(value, Decimal):
        return Shown(minus(f"{value:,f}"), is_number=True)
    return Shown(str(value).replace("_", " ") if cell.name in ("state", "style") else str(value))
