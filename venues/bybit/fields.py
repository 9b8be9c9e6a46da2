"""The parameters of a request; whatever is wrong raises BybitError. Pure."""

from collections.abc import Mapping
from typing import ClassVar

from venues.bybit.categories import Category
from venues.bybit.errors import BybitError, parameter_error
from venues.doors.members import Members


class Fields(Members):
    """Members of a query or of a JSON object."""

    flags: ClassVar[Mapping[str, bool]] = {**Members.flags, "1": True, "0": False}

    def invalid(self, name: str, reason: str) -> BybitError:
        return parameter_error(f"{name} {reason}")

    def category(self, default: Category | None = None) -> Category:
        known = {each.value: each for each in Category}
        return self.choice("category", known, default)

    def limit(self, default: int, largest: int) -> int:
        """Return how many rows are wanted; more than the largest page counts as that."""
        return min(self.whole("limit", 1, 10**9, default), largest)

    def members(self, name: str, most: int) -> list["Fields"]:
        """Return the objects of a list with 1 to `most` of them."""
        value = self._given.get(name)
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise self.invalid(name, f"must be a list of 1 to {most} objects")
        if not all(isinstance(each, dict) for each in value):
            raise self.invalid(name, "must contain objects only")
        return [Fields(each) for each in value]

    def refuse(self, *names: str) -> None:
        """Raise BybitError if one of the named options, which are not served, is set."""
        for name in names:
            if self.has(name) and self.text(name) not in ("0", "false", "None"):
                raise unserved(name)


def unserved(name: str) -> BybitError:
    return parameter_error(f"{name} is not served here: see docs/bybit.md")
