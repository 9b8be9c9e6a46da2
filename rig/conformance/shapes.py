"""Shapes of JSON answers: which members they have, and of which JSON type.

A shape is written as the answer would be, with the name of a type in place of each value: "string",
"number" or "bool". The shapes in a list are those of its members, repeated as often as needed; an
empty object may have any members. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

TYPES: Final[Mapping[type, str]] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "bool",
    list: "list",
    dict: "object",
    type(None): "null",
}


class Kind(StrEnum):
    """How an answer differs from a shape."""

    MISSING = "is missing"
    MISTYPED = "has another type"
    EMPTY = "is empty, so its members were not compared"
    ADDED = "is not in the shape"


@dataclass(frozen=True, order=True)
class Difference:
    """One member that differs; `at` is its path without the numbers of rows."""

    at: str
    kind: Kind
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.at} {self.kind}{self.detail and f': {self.detail}'}"


def differences(shape: Any, value: Any, at: str = "result") -> Iterator[Difference]:
    """Yield how a value differs from its shape."""
    wanted = shape if isinstance(shape, str) else TYPES[type(shape)]
    found = TYPES[type(value)]
    if found != wanted:
        yield Difference(at, Kind.MISTYPED, f"{found} {value!r} instead of {wanted}")
    elif isinstance(shape, dict):
        yield from of_object(shape, value, at)
    elif isinstance(shape, list):
        yield from of_list(shape, value, at)


def of_object(shape: Mapping[str, Any], value: Mapping[str, Any], at: str) -> Iterator[Difference]:
    for name, inner in shape.items():
        if name in value:
            yield from differences(inner, value[name], f"{at}.{name}")
        else:
            yield Difference(f"{at}.{name}", Kind.MISSING)
    if shape:
        for name in value.keys() - shape.keys():
            yield Difference(f"{at}.{name}", Kind.ADDED)


def of_list(shape: list[Any], value: list[Any], at: str) -> Iterator[Difference]:
    if shape and not value:
        yield Difference(at, Kind.EMPTY)
    for index, each in enumerate(value if shape else ()):
        yield from differences(shape[index % len(shape)], each, f"{at}[]")


def members(shape: Any) -> int:
    """Return the number of named members in a shape, nested ones included."""
    if isinstance(shape, dict):
        return sum(1 + members(inner) for inner in shape.values())
    return sum(members(inner) for inner in shape) if isinstance(shape, list) else 0
