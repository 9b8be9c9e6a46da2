"""JSON bodies of requests: exact numbers, and one clear reason for each wrong field."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import JSONParser

from market.quoting import quoted
from web import exactjson

T = TypeVar("T")
LONGEST_NUMBER: Final = 64


class ExactJSONParser(JSONParser):  # type: ignore[misc]  # REST framework ships no types
    """Reads fractions as decimals and refuses what has no exact meaning."""

    def parse(self, stream: Any, *args: Any, **options: Any) -> Any:
        try:
            return exactjson.parse(stream.read())
        except ValueError as error:
            raise ParseError(str(error)) from error


class Body:
    """The members of a JSON object. Reading them collects what is wrong; `check` raises it."""

    def __init__(self, data: Any, allowed: Sequence[str]) -> None:
        if not isinstance(data, Mapping):
            raise ValidationError("the body must be a JSON object")
        self._data = data
        self._errors: dict[str, list[str]] = {}
        for name in data:
            if name not in allowed:
                right = ", ".join(allowed) or "none"
                self.refuse(
                    str(name), f"{quoted(str(name))} is not a member here; there are: {right}"
                )

    def refuse(self, name: str, reason: str) -> None:
        self._errors.setdefault(name, []).append(reason)

    def check(self) -> None:
        if self._errors:
            raise ValidationError(self._errors)

    def has(self, name: str) -> bool:
        return self._data.get(name) is not None

    def text(self, name: str, longest: int) -> str:
        """Return printable text, "" where the member is absent."""
        value = self._data.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or not value:
            self.refuse(name, f"{shown(value)} is not a text with at least one character")
        elif len(value) > longest or not value.isascii() or not value.isprintable():
            self.refuse(name, f"{shown(value)} must be up to {longest} printable ASCII characters")
        else:
            return value
        return ""

    def choice(self, name: str, choices: Mapping[str, T], default: T | None = None) -> T | None:
        """Return what a word stands for; without a `default` the member is required."""
        value = self._data.get(name)
        if value is None:
            if default is None:
                self.refuse(name, f"is missing: use one of {', '.join(choices)}")
            return default
        if isinstance(value, str) and value in choices:
            return choices[value]
        self.refuse(name, f"{shown(value)} is not one of {', '.join(choices)}")
        return default

    def flag(self, name: str) -> bool:
        value = self._data.get(name, False)
        if not isinstance(value, bool):
            self.refuse(name, f"{shown(value)} is not true or false")
        return value is True

    def decimal(self, name: str) -> Decimal | None:
        """Return a number, given as a number or as text; None where it is absent or wrong."""
        value = self._data.get(name)
        if value is None:
            return None
        if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
            number = parsed(value)
            if number is not None:
                return number
        self.refuse(name, f"{shown(value)} is not a decimal number such as 12.5")
        return None

    def whole(self, name: str, low: int, high: int) -> int:
        """Return a whole number in a range; the member is required."""
        number = self.decimal(name)
        if number is not None and low <= number <= high and number == int(number):
            return int(number)
        if name not in self._errors:
            given = "is missing" if number is None else f"{shown(self._data[name])} is wrong"
            self.refuse(name, f"{given}: use a whole number from {low} to {high}")
        return low


def parsed(value: str | int | Decimal) -> Decimal | None:
    """Return a finite decimal of ordinary length, in ASCII digits, otherwise None."""
    if isinstance(value, str) and (
        len(value) > LONGEST_NUMBER or not value.isascii() or value != value.strip() or "_" in value
    ):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def shown(value: Any) -> str:
    """Return a value of JSON for an error message."""
    return quoted(value) if isinstance(value, str) else quoted(str(value))[1:-1]
