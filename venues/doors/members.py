"""The members of a request, read one by one; whatever is wrong raises the error of its door. Pure.

Over HTTP, all values of a query are texts, so numbers and flags are accepted as texts everywhere.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final, Self, TypeVar

from market.integers import parse_integer
from market.quoting import quoted

T = TypeVar("T")
LONGEST_TEXT: Final = 128
LONGEST_NUMBER: Final = 64
LATEST_MS: Final = 10**14


class Members(ABC):
    """Members of a query or of a JSON object. An empty text counts as absent."""

    flags: ClassVar[Mapping[str, bool]] = {"true": True, "false": False}

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    @abstractmethod
    def invalid(self, name: str, reason: str) -> Exception:
        """Return the error of a member that is missing or malformed."""

    def has(self, name: str) -> bool:
        return self._given.get(name) not in (None, "")

    def text(self, name: str, default: str = "", longest: int = LONGEST_TEXT) -> str:
        """Return printable text; numbers count as their text."""
        if not self.has(name):
            return default
        value = self._given[name]
        if isinstance(value, bool | dict | list):
            raise self.invalid(name, "must be a text")
        text = str(value)
        if len(text) > longest or not text.isprintable():
            raise self.invalid(name, f"must be up to {longest} printable characters")
        return text

    def required(self, name: str, longest: int = LONGEST_TEXT) -> str:
        if not self.has(name):
            raise self.invalid(name, "is missing")
        return self.text(name, longest=longest)

    def choice(self, name: str, choices: Mapping[str, T], default: T | None = None) -> T:
        """Return what a word stands for; without a `default` it is required."""
        if not self.has(name) and default is not None:
            return default
        text = self.required(name)
        if text not in choices:
            raise self.invalid(name, f"{quoted(text)} is not one of {', '.join(choices)}")
        return choices[text]

    def flag(self, name: str, *, default: bool = False) -> bool:
        if not self.has(name):
            return default
        value = self._given[name]
        return value if isinstance(value, bool) else self.choice(name, self.flags)

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number in a range; without a `default` it is required."""
        if not self.has(name) and default is not None:
            return default
        try:
            return parse_integer(self.required(name), low, high)
        except ValueError as error:
            raise self.invalid(name, str(error)) from None

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
            raise self.invalid(name, f"{quoted(text)} is not a decimal number such as 12.5")
        return number

    def with_member(self, name: str, value: str) -> Self:
        return type(self)({**self._given, name: value})
