"""Points in time: microseconds since 1970-01-01 UTC inside, aware datetimes at the edges."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_microseconds(at: datetime) -> int:
    """Return an aware datetime as microseconds since 1970-01-01 UTC."""
    return (at - EPOCH) // MICROSECOND


def from_microseconds(at: int) -> datetime:
    """Return microseconds since 1970-01-01 UTC as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=at)
