"""Template filters of the pages of bots."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def of(found: Mapping[Any, Any], key: Any) -> Any:
    """Return a member of a mapping, None if it has none."""
    return found.get(key)
