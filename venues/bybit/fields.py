"""The parameters of a request, read one by one; whatever is wrong raises BybitError. Pure."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from market.integers import parse_integer
from market.quoting import quoted
from venues.bybit.categories import Category
from venues.bybit.errors import BybitError, parameter_error

T = TypeVar("T")
LONGEST_NUMBER: Final = 64
LATEST_MS: Final = 10**14
FLAGS: Final = {"true": True, "false": False, "1": True, "0": False}


class Fields:
    """Members of a query or of a JSON object. An empty text counts as absent."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def has(self, name: str) -> bool:
        return self._given.get(name) not in (None, "")

    def text(self, name: str, default: str = "", longest: int = 128) -> str:
        """Return printable text; numbers count as their text."""
        if not self.has(name):
            return default
        value = self._given[name]
        if isinstance(value, bool | dict | list):
            raise parameter_error(f"{name} {shown(value)} must be a text")
        text = str(value)
        if len(text) > longest or not text.isprintable():
            raise parameter_error(
                f"{name} {quoted(text)} must be up to {longest} printable characters"
            )
        return text

    def required(self, name: str) -> str:
        if not self.has(name):
            raise parameter_error(f"{name} is missing")
        return self.text(name)

    def category(self, default: Category | None = None) -> Category:
        known = {each.value: each for each in Category}
        return self.choice("category", known, default)

    def choice(self, name: str, choices: Mapping[str, T], default: T | None = None) -> T:
        """Return what a word stands for; without a `default` it is required."""
        if not self.has(name) and default is not None:
            return default
        text = self.required(name)
        if text not in choices:
            raise parameter_error(f"{name} {quoted(text)} is not one of {', '.join(choices)}")
        return choices[text]

    def flag(self, name: str) -> bool:
        if not self.has(name):
            return False
        value = self._given[name]
        if isinstance(value, bool):
            return value
        return self.choice(name, FLAGS)

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number in a range; without a `default` it is required."""
        if not self.has(name) and default is not None:
            return default
        try:
            return parse_integer(self.required(name), low, high)
        except ValueError as error:
            raise parameter_error(f"{name}: {error}") from None

    def limit(self, default: int, largest: int) -> int:
        """Return how many rows are wanted; more than the largest page counts as that."""
        return min(self.whole("limit", 1, 10**9, default), largest)

    def moment(self, name: str) -> int | None:
        """Return epoch milliseconds in microseconds, None where it is absent."""
        return self.whole(name, 0, LATEST_MS) * 1_000 if self.has(name) else None

    def decimal(self, name: str) -> Decimal | None:
        """Return an exact number, given as text or as a number; None where it is absent."""
        if not self.has(name):
            return None
        text = self.text(name, longest=LONGEST_NUMBER)
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or not text.isascii() or "_" in text or text != text.strip():
            raise parameter_error(f"{name} {quoted(text)} is not a decimal number such as 12.5")
        return number

    def members(self, name: str, most: int) -> list["Fields"]:
        """Return the objects of a list with 1 to `most` of them."""
        value = self._given.get(name)
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise parameter_error(f"{name} must be a list of 1 to {most} objects")
        if not all(isinstance(each, dict) for each in value):
            raise parameter_error(f"{name} must contain objects only")
        return [Fields(each) for each in value]

    def with_member(self, name: str, value: str) -> "Fields":
        return Fields({**self._given, name: value})

    def refuse(self, *names: str) -> None:
        """Raise BybitError if one of the named options, which are not served, is set."""
        for name in names:
            if self.has(name) and self.text(name) not in ("0", "false", "None"):
                raise unserved(name)


def unserved(name: str) -> BybitError:
    return parameter_error(f"{name} is not served here: see docs/bybit.md")


def shown(value: Any) -> str:
    return quoted(str(value))
