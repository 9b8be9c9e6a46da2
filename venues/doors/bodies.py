"""JSON objects that clients send, read strictly. Pure."""

from collections.abc import Mapping
from typing import Any

from market.quoting import quoted
from web import exactjson


def parse_object(body: bytes) -> Mapping[str, Any]:
    """Return a JSON object whose fractions are exact, {} for no body; raise ValueError."""
    found = exactjson.parse(body)
    if not isinstance(found, dict):
        raise ValueError(f"the body must be a JSON object, not {quoted(str(found))}")
    return found
