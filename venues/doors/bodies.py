"""JSON objects that clients send, read strictly. Pure."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from market.quoting import quoted


def parse_object(text: str) -> Mapping[str, Any]:
    """Return a JSON object whose fractions are exact; raise ValueError."""
    try:
        found = json.loads(
            text,
            parse_float=Decimal,
            parse_constant=refuse_constant,
            object_pairs_hook=without_repeats,
        )
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except (ValueError, InvalidOperation) as error:
        raise ValueError(f"the body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"the body must be a JSON object, not {quoted(str(found))}")
    return found


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member appears twice in an object")
    return members
