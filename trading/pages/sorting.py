"""Headings of tables that sort them: a link each, which keeps the filters of the address."""

from collections.abc import Container
from dataclasses import dataclass

from django.http import QueryDict


@dataclass(frozen=True)
class Heading:
    """A heading of a column; `query`: the address that sorts by it, "" where nothing does."""

    text: str
    is_number: bool = False
    query: str = ""
    direction: str = ""
    """ascending or descending, if the table is sorted by it."""


def heading(name: str, text: str, asked: str, query: QueryDict, *, is_number: bool) -> Heading:
    """Return a heading that sorts by its column: text from A, numbers from the largest.

    A table that is sorted by it already is sorted the other way round.
    """
    first, then = (f"-{name}", name) if is_number else (name, f"-{name}")
    address = query.copy()
    address.pop("page", None)
    address["sort"] = then if asked == first else first
    direction = "descending" if asked.startswith("-") else "ascending"
    is_sorted = asked.removeprefix("-") == name
    return Heading(text, is_number, f"?{address.urlencode()}", direction if is_sorted else "")


def known(asked: str, columns: Container[str], default: str) -> str:
    """Return what a request sorts by, the default where there is no such column."""
    return asked if asked.removeprefix("-") in columns else default
