from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_microseconds(at: datetime) -> int:
    """Return an aware datetime as microseconds since 1970-01-01 UTC."""
    return (at - EPOCH) // MICROSECOND


def from_microseconds(at: int) -> datetime:
    """Return microseconds since 1970-01-01 UTC as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=at)


class MicrosecondsField(models.BigIntegerField):  # type: ignore[type-arg]
    """An aware UTC datetime in Python, a 64-bit count of microseconds in the database.

    The same on every database, exact, and read into arrays without parsing.
    """

    description = "Point in time, to the microsecond"

    def from_db_value(self, value: int | None, *_: Any) -> datetime | None:
        return None if value is None else from_microseconds(value)

    def to_python(self, value: Any) -> datetime | None:
        if value is None or isinstance(value, datetime):
            return value
        if isinstance(value, int):
            return from_microseconds(value)
        try:
            parsed = datetime.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise ValidationError(f"{value!r} is no RFC 3339 time") from error
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)

    def get_prep_value(self, value: Any) -> int | None:
        moment = self.to_python(value)
        return None if moment is None else to_microseconds(moment)

    def value_to_string(self, obj: models.Model) -> str:
        return self.value_from_object(obj).isoformat()  # type: ignore[no-any-return]
