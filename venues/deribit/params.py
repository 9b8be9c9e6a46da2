"""The parameters of a request, read one by one; whatever is wrong raises RpcError. Pure.

Over HTTP, all values of a query are texts, so numbers and flags are accepted as texts everywhere.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from market.integers import parse_integer
from market.quoting import quoted
from venues.deribit.errors import RpcError, invalid

T = TypeVar("T")
LONGEST_NUMBER: Final = 64
LATEST_MS: Final = 10**14
FLAGS: Final = {"true": True, "false": False}
SECRETS: Final = frozenset({"client_secret", "access_token", "refresh_token", "signature"})


class Params:
    """Members of `params`, or of a query. An empty text counts as absent."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def __repr__(self) -> str:
        shown = {name: "***" if name in SECRETS else self._given[name] for name in self._given}
        return f"Params({shown})"

    def has(self, name: str) -> bool:
        return self._given.get(name) not in (None, "")

    def text(self, name: str, default: str = "", longest: int = 128) -> str:
        """Return printable text; numbers count as their text."""
        if not self.has(name):
            return default
        value = self._given[name]
        if isinstance(value, bool | dict | list):
            raise invalid(name, "must be a text")
        text = str(value)
        if len(text) > longest or not text.isprintable():
            raise invalid(name, f"must be up to {longest} printable characters")
        return text

    def required(self, name: str, longest: int = 128) -> str:
        if not self.has(name):
            raise invalid(name, "is missing")
        return self.text(name, longest=longest)

    def choice(self, name: str, choices: Mapping[str, T], default: T | None = None) -> T:
        """Return what a word stands for; without a `default` it is required."""
        if not self.has(name) and default is not None:
            return default
        text = self.required(name)
        if text not in choices:
            raise invalid(name, f"{quoted(text)} is not one of {', '.join(choices)}")
        return choices[text]

    def flag(self, name: str, *, default: bool = False) -> bool:
        if not self.has(name):
            return default
        value = self._given[name]
        return value if isinstance(value, bool) else self.choice(name, FLAGS)

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number in a range; without a `default` it is required."""
        if not self.has(name) and default is not None:
            return default
        try:
            return parse_integer(self.required(name), low, high)
        except ValueError as error:
            raise invalid(name, str(error)) from None

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
            raise invalid(name, f"{quoted(text)} is not a decimal number such as 12.5")
        return number

    def texts(self, name: str, most: int) -> list[str]:
        """Return a list of 1 to `most` texts; in a query, a JSON list or one text."""
        value = self._given.get(name)
        if isinstance(value, str):
            value = [part.strip(' "') for part in value.strip("[] ").split(",")]
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise invalid(name, f"must be a list of 1 to {most} texts")
        if not all(isinstance(each, str) for each in value):
            raise invalid(name, "must contain texts only")
        return value

    def with_member(self, name: str, value: str) -> "Params":
        return Params({**self._given, name: value})

    def refuse(self, *names: str) -> None:
        """Raise RpcError if one of the named options, which are not served, is set."""
        for name in names:
            if self.has(name) and self._given[name] not in (False, "false"):
                raise unserved(name)


def unserved(name: str) -> RpcError:
    return invalid(name, "is not served here: see docs/deribit.md")
