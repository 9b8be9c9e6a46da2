"""Points in time: microseconds since 1970-01-01 UTC inside, aware datetimes at the edges."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from market.integers import parse_integer
from market.quoting import quoted

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_microseconds(at: datetime) -> int:
    """Return an aware datetime as microseconds since 1970-01-01 UTC."""
    return (at - EPOCH) // MICROSECOND


def from_microseconds(at: int) -> datetime:
    """Return microseconds since 1970-01-01 UTC as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=at)


FIRST_YEAR: Final = 1700
LAST_YEAR: Final = 2199
"""pandas and Arrow represent these years in 64-bit nanoseconds."""
EARLIEST: Final = to_microseconds(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC))
LATEST: Final = to_microseconds(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)) - 1

ISO_8601: Final = r"([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})([Tt ][0-9:.,]+ ?([Zz]|[+-][0-9:]+)?)?"
"""Shape of a date, or of a date and time; valid in both re and RE2 (Arrow)."""
_SHAPE: Final = re.compile(ISO_8601)
_SPELLED: Final = re.compile(r"(?:19|20|2100)[0-9]+")
_DATE_DIGITS: Final = (8, 10, 12, 14)


def parse_bound(text: str) -> int:
    """Return an RFC 3339 time or epoch milliseconds in microseconds since 1970 UTC.

    For query bounds, which may lie outside the years of any record. Digits alone are milliseconds;
    a time without an offset is UTC. Raise ValueError for anything else.
    """
    try:
        if text.removeprefix("-").isdigit():
            return to_microseconds(
                from_microseconds(parse_integer(text, -(10**17), 10**17) * 1_000)
            )
        time = parse_iso(text)
        return to_microseconds((time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValueError, OverflowError):
        raise ValueError(
            f"{quoted(text)} is not a time: use RFC 3339 such as 2026-01-31T09:30:00Z, "
            "or epoch milliseconds"
        ) from None


def parse_moment(text: str) -> int:
    """Return the time of a record, parsed as by `parse_bound`.

    Raise ValueError outside the years FIRST_YEAR to LAST_YEAR as well.
    """
    at = parse_bound(text)
    if not EARLIEST <= at <= LATEST:
        raise ValueError(f"{quoted(text)} is outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return at


def parse_iso(text: str) -> datetime:
    """Parse an ISO 8601 date or time, naive if it has no offset; raise ValueError otherwise."""
    if not _SHAPE.fullmatch(text):  # fromisoformat accepts any character, even a digit, as the T
        raise ValueError(f"{quoted(text)} is not in ISO 8601")
    return datetime.fromisoformat(text.upper())


def compact_date(digits: str) -> datetime | None:
    """Return the naive time written as YYYYMMDD, YYYYMMDDHH, YYYYMMDDHHMM or YYYYMMDDHHMMSS.

    None if `digits` are not a time in the years 1900 to 2100.
    """
    if len(digits) not in _DATE_DIGITS or not _SPELLED.fullmatch(digits):
        return None
    try:
        return datetime.fromisoformat(f"{digits[:8]}T{digits[8:] or '00'}")
    except ValueError:
        return None
