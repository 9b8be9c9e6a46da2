"""How much of a position each execution closed.

Executions are only ever added, so the position before any of them is the sum of those before it.
"""

from collections.abc import Iterable

from django.db.models import F, Sum

from exchange.models import Execution


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
    stream = Execution.objects.filter(account=account_id, instrument=instrument_id)
    held = stream.filter(number__lt=first).aggregate(lots=Sum(F("side") * F("lots")))["lots"] or 0
    walked = stream.filter(number__gte=first, number__lte=last).order_by("number")
    closed: dict[int, int] = {}
    for number, side, lots in walked.values_list("number", "side", "lots"):
        closed[number] = min(lots, abs(held)) if held * side < 0 else 0
        held += side * lots
    return closed
