"""Template filters of the pages of bots."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import template

register = template.Library()


@register.filter
def of(found: Mapping[Any, Any], key: Any) -> Any:
    """Return a member of a mapping, None if it has none."""
    return found.get(key)


@register.filter
def at(found: Sequence[Any], index: int) -> Any:
    return found[index]


@register.filter
def words(name: str) -> str:
    """Return a name of the API as words."""
    return name.replace("_", " ")


@register.filter(name="any")
def has_any(values: Iterable[object]) -> bool:
    return any(values)


@register.filter
def indented(text: str) -> str:
    """Return JSON on several lines."""
    return json.dumps(json.loads(text), indent=2)
