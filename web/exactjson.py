"""JSON without loss: fractions as decimals, and nothing that has no exact meaning. Pure."""

import json
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any


def parse(body: bytes) -> Any:
    """Return what a body says, {} for an empty one; raise ValueError with the reason."""
    try:
        return json.loads(
            body.decode() or "{}",
            parse_float=Decimal,
            parse_constant=refuse_constant,
            object_pairs_hook=without_repeats,
        )
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except (ValueError, InvalidOperation) as error:
        raise ValueError(f"the body is not JSON: {error}") from error


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member appears twice in an object")
    return members
