"""Rows of listings as tables of a page: texts, numbers to the right, times in UTC."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from django.http import QueryDict

from archive.listings import FLAG, NUMBER, TIME, Cell, Listing, M
from market.times import from_microseconds
from quotes.templatetags.numbers import MISSING, minus, money
from trading.pages.sorting import Heading, heading

WORDS: Final = ("state", "side", "style")
"""Columns with words of the API."""
AMOUNTS: Final = ("realised", "fees")
TITLES: Final = {
    "client_id": "Order",
    "style": "Type",
    "created_at": "Created, UTC",
    "opened_at": "Opened, UTC",
    "began_at": "Began, UTC",
    "at": "Time, UTC",
    "seq": "#",
    "id": "#",
    "trace_id": "Trace",
}


@dataclass(frozen=True)
class Shown:
    """A cell of a row; `word`: a state or a side, which has a colour."""

    text: str
    is_number: bool = False
    link: str = ""
    word: str = ""


@dataclass(frozen=True)
class Order:
    """What a table may be sorted by, what it is sorted by, and the address it stands at."""

    columns: Container[str]
    asked: str
    query: QueryDict


@dataclass(frozen=True)
class Row:
    """A row: its object, for buttons, and its cells."""

    of: Any
    cells: Sequence[Shown]


@dataclass(frozen=True)
class Table:
    """Headings and rows; the first cell of each row names it."""

    name: str
    headings: Sequence[Heading]
    rows: Sequence[Row]


def table(
    listing: Listing[M],
    rows: Iterable[M],
    columns: Sequence[str],
    link: Callable[[M], str] = lambda row: "",
    order: Order | None = None,
) -> Table:
    """Return these columns of rows; `link`: where the first cell leads."""
    places = [listing.columns.index(name) for name in columns]
    shown = []
    for row in rows:
        values = listing.values(row)
        cells = [_shown(listing.cells[place], values[place]) for place in places]
        cells[0] = replace(cells[0], link=link(row))
        shown.append(Row(row, cells))
    headings = [_heading(listing.cells[place], order) for place in places]
    return Table(listing.name, headings, shown)


def _heading(cell: Cell, order: Order | None) -> Heading:
    text, is_number = TITLES.get(cell.name) or words(cell.name).capitalize(), cell.type is NUMBER
    if order is None or cell.name not in order.columns:
        return Heading(text, is_number)
    found = heading(
        cell.name, text, order.asked, order.query, is_number=is_number or cell.type is TIME
    )
    return replace(found, is_number=is_number)


def words(name: str) -> str:
    """Return a name of the API as words."""
    return name.replace("_", " ")


def _shown(cell: Cell, value: Any) -> Shown:
    if value is None or value == "":
        return Shown(MISSING, cell.type is NUMBER)
    if cell.type is TIME:
        return Shown(f"{from_microseconds(value):%b %d, %H:%M:%S}")
    if cell.type is FLAG:
        return Shown("yes" if value else "no")
    if isinstance(value, Decimal):
        text = money(value) if cell.name in AMOUNTS else minus(f"{value:f}")
        return Shown(text, is_number=True)
    if cell.name in WORDS:
        return Shown(words(str(value)), word=str(value))
    return Shown(str(value))
