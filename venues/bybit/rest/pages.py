"""Pages of a listing: limit, times, cursor; the newest first."""

from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet

from market.integers import parse_integer
from market.quoting import quoted
from market.times import EARLIEST, LATEST, from_microseconds
from venues.bybit.errors import parameter_error
from venues.bybit.fields import Fields

M = TypeVar("M", bound=Model)
LARGEST_KEY: Final = 2**62
WEEK_US: Final = 7 * 86_400 * 10**6


def page_of(
    rows: "QuerySet[M]", fields: Fields, *, key: str = "pk", default: int = 20, most: int = 50
) -> tuple[list[M], str]:
    """Return a page, newest first by the unique number `key`, and the cursor after it."""
    limit = fields.limit(default, most)
    if fields.has("cursor"):
        rows = rows.filter(**{f"{key}__lt": cursor(fields)})
    found = list(rows.order_by(f"-{key}")[: limit + 1])
    if len(found) <= limit:
        return found, ""
    return found[:limit], str(getattr(found[limit - 1], key))


def cursor(fields: Fields) -> int:
    text = fields.text("cursor")
    try:
        return parse_integer(text, -LARGEST_KEY, LARGEST_KEY)
    except ValueError:
        raise parameter_error(
            f"cursor {quoted(text)}: use nextPageCursor of the page before, unchanged"
        ) from None


def within(rows: "QuerySet[M]", fields: Fields, field: str) -> "QuerySet[M]":
    """Return the rows of startTime to endTime, both inclusive, at most seven days apart."""
    start, end = fields.moment("startTime"), fields.moment("endTime")
    if start is not None and end is not None and not 0 <= end - start <= WEEK_US:
        raise parameter_error("the time range between startTime and endTime must be 0 to 7 days")
    bounds: dict[str, Any] = {}
    if start is not None:
        bounds[f"{field}__gte"] = moment(start)
    if end is not None:
        bounds[f"{field}__lt"] = moment(end + 1_000)
    return rows.filter(**bounds)


def moment(at: int) -> Any:
    return from_microseconds(max(EARLIEST, min(at, LATEST)))
