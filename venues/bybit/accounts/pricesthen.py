"""Prices of the past: the mark price at an execution, the last price when an order arrived."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from archive.database import fetch
from exchange.clearing.commands import CommandKind
from exchange.kinds import TRADES
from exchange.models import Command, Execution, Order
from market.times import to_microseconds
from quotes.kinds import QUOTES

Moment = tuple[int, int, int]
"""What asks, the instrument, and the moment in microseconds."""
NEWEST: Final = (
    "SELECT column1, (SELECT ticks FROM {table} AS found WHERE found.instrument_id = column2 "
    "AND found.at {until} column3 ORDER BY found.at DESC, found.id DESC LIMIT 1) "
    "FROM (VALUES {rows}) AS asked"
)
ROW: Final = "(CAST(%s AS bigint), CAST(%s AS bigint), CAST(%s AS bigint))"


def marks_at(rows: Sequence[Execution]) -> dict[int, int]:
    """Return the mark prices in ticks at executions, by their numbers; of those still recorded."""
    moments = [(each.number, each.instrument_id, to_microseconds(each.at)) for each in rows]
    return _newest(QUOTES.table, "<=", moments)


def last_prices(orders: Collection[Order]) -> dict[int, int]:
    """Return the last prices in ticks before orders arrived, by their ids; where still recorded.

    Orders of the exchange itself, whose ids are negative, have no command.
    """
    known = {each.pk: each for each in orders}
    placed = Command.objects.filter(
        order__in=[key for key in known if key > 0],
        kind=CommandKind.PLACE.value,
        result__isnull=False,
    ).values_list("order", "result")
    arrived: dict[int, Any] = {key: answer["at"] for key, answer in placed if key and answer}
    made = {key: to_microseconds(each.created_at) for key, each in known.items() if key < 0}
    moments = [(key, known[key].instrument_id, int(at)) for key, at in (arrived | made).items()]
    return _newest(TRADES.table, "<", moments)


def _newest(table: str, until: str, moments: Sequence[Moment]) -> dict[int, int]:
    """Return the newest ticks of a table at or before each moment, where there are any."""
    if not moments:
        return {}
    rows = ", ".join([ROW] * len(moments))
    sql = NEWEST.format(table=table, until=until, rows=rows)
    found = fetch(sql, [part for moment in moments for part in moment])
    return {int(name): int(ticks) for name, ticks in found if ticks is not None}
