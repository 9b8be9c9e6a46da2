"""Model fields that every app's tables share."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.expressions import Combinable

from market.times import from_microseconds, parse_moment, to_microseconds

Set = TypeVar("Set", contravariant=True)
Get = TypeVar("Get", covariant=True)


if TYPE_CHECKING:
    GenericBigIntegerField = models.BigIntegerField[Set, Get]
else:

    class GenericBigIntegerField(models.BigIntegerField):
        """Generic, as the types of Django say; at run time its class is not."""

        def __class_getitem__(cls, _):
            return cls


class MicrosecondsField(GenericBigIntegerField[Set, Get]):
    """An aware UTC datetime in Python, stored as a 64-bit count of microseconds since 1970.

    Exact and identical on every database; NumPy reads the column without parsing.
    """

    description = "Point in time, to the microsecond"
    # The types of rows; with null=True, the mypy plugin adds None.
    _pyi_private_set_type: datetime | str | int | Combinable  # type: ignore[assignment]  # no float
    _pyi_private_get_type: datetime  # type: ignore[assignment]  # an int in the base
    _pyi_lookup_exact_type: datetime | str | int  # type: ignore[assignment]  # wider than the base's

    def from_db_value(self, value: int | None, *_: Any) -> datetime | None:
        return None if value is None else from_microseconds(value)

    def to_python(self, value: Any) -> datetime | None:
        if value is None or isinstance(value, datetime):
            return value
        if isinstance(value, int):
            return from_microseconds(value)
        try:
            return from_microseconds(parse_moment(str(value)))
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def get_prep_value(self, value: Any) -> int | None:
        moment = self.to_python(value)
        return None if moment is None else to_microseconds(moment)

    def value_to_string(self, obj: models.Model) -> str:
        moment: Any = self.value_from_object(obj)
        return str(moment.isoformat())
