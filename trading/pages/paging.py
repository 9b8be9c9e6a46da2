"""Pages of long tables, the newest rows first; no row is counted."""

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest

from market.integers import parse_integer

SHOWN: Final = 50
MOST: Final = 2_000
"""Pages. Who looks for older rows filters, or uses the API."""


@dataclass(frozen=True)
class Paged:
    """One page of rows; `newer` and `older` are the addresses beside it, "" at an end."""

    rows: list[Any]
    number: int
    newer: str = ""
    older: str = ""


def paged(request: HttpRequest, rows: "QuerySet[Any]") -> Paged:
    """Return the page that a request asks for with `page`, the first where there is no such."""
    try:
        number = parse_integer(request.GET.get("page", "1"), 1, MOST)
    except ValueError:
        number = 1
    found = list(rows[(number - 1) * SHOWN : number * SHOWN + 1])
    has_more = len(found) > SHOWN and number < MOST
    return Paged(
        found[:SHOWN],
        number,
        _address(request, number - 1) if number > 1 else "",
        _address(request, number + 1) if has_more else "",
    )


def _address(request: HttpRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"
