"""Pages of a listing: limit, times, cursor; the newest first."""

from typing import Any, Final, TypeVar

from django.db.models import Model, Q, QuerySet

from market.integers import parse_integer
from market.quoting import quoted
from market.times import EARLIEST, LATEST, from_microseconds, to_microseconds
from venues.bybit.errors import BybitError, parameter_error
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


def paired_page_of(
    rows: "QuerySet[M]", fields: Fields, *, default: int, most: int
) -> tuple[list[M], str]:
    """Return a page of records of several instruments, newest first by time and key, as `page_of`.

    A cursor is the time in microseconds and the key of the last row.
    """
    limit = fields.limit(default, most)
    if fields.has("cursor"):
        at, key = paired_cursor(fields)
        rows = rows.filter(Q(at__lt=moment(at)) | Q(at=moment(at), pk__lt=key))
    found = list(rows.order_by("-at", "-pk")[: limit + 1])
    if len(found) <= limit:
        return found, ""
    last: Any = found[limit - 1]
    return found[:limit], f"{to_microseconds(last.at)}_{last.pk}"


def paired_cursor(fields: Fields) -> tuple[int, int]:
    try:
        at, key = fields.text("cursor").split("_")
        return parse_integer(at, 0, LARGEST_KEY), parse_integer(key, 0, LARGEST_KEY)
    except ValueError:
        raise cursor_error(fields) from None


def cursor(fields: Fields) -> int:
    try:
        return parse_integer(fields.text("cursor"), -LARGEST_KEY, LARGEST_KEY)
    except ValueError:
        raise cursor_error(fields) from None


def cursor_error(fields: Fields) -> BybitError:
    given = quoted(fields.text("cursor"))
    return parameter_error(f"cursor {given}: use nextPageCursor of the page before, unchanged")


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
