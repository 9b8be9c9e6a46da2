"""How much of a position each execution closed.

A position is the sum of its executions, and both change in one transaction. So the position before
an execution is the present one without that execution and those after it, if one statement reads
them all.
"""

from collections.abc import Iterable
from typing import Final

from archive.database import fetch
from exchange.models import Execution

HELD_BEFORE: Final = (
    "SELECT lots - COALESCE((SELECT sum(side * lots) FROM exchange_execution "
    "WHERE account = %s AND number >= %s AND instrument_id = %s), 0) "
    "FROM exchange_position WHERE account_id = %s AND instrument_id = %s"
)


def closed_lots(account_id: int, rows: Iterable[Execution]) -> dict[int, int]:
    """Return by number the lots of their positions that executions of an account closed."""
    numbers: dict[int, list[int]] = {}
    for row in rows:
        numbers.setdefault(row.instrument_id, []).append(row.number)
    closed: dict[int, int] = {}
    for instrument_id, mine in numbers.items():
        closed |= _between(account_id, instrument_id, min(mine), max(mine))
    return closed


def _between(account_id: int, instrument_id: int, first: int, last: int) -> dict[int, int]:
    ((found,),) = fetch(HELD_BEFORE, [account_id, first, instrument_id, account_id, instrument_id])
    held = int(found)
    walked = Execution.objects.filter(
        account=account_id, instrument=instrument_id, number__gte=first, number__lte=last
    ).order_by("number")
    closed: dict[int, int] = {}
    for number, side, lots in walked.values_list("number", "side", "lots"):
        closed[number] = min(lots, abs(held)) if held * side < 0 else 0
        held += side * lots
    return closed
