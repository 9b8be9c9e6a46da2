"""The query plans of the history: what the database reads for prices between two dates."""

import itertools
import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pytest
from django.db import connection

from archive.database import statement
from archive.selections import Span, select
from journal.journal import Journal
from market.kinds import Delivery
from market.ticks import tick_array
from quotes.kinds import QUOTES
from venues.gateway.prices import instrument_of

pytestmark = pytest.mark.django_db(transaction=True)
PRICES: Final = 5_000
STEP_US: Final = 50_000_000
ROWS: Final = 400


@pytest.fixture
def sql() -> tuple[str, list[int]]:
    """Return the SELECT of ROWS prices in the middle of a history."""
    instrument, seqs = instrument_of("btc_usd"), np.arange(1, PRICES + 1)
    with Journal([instrument]) as journal:
        ticks = tick_array(instrument.pk, seqs, seqs * STEP_US, 650_000_000 + seqs)
        journal.append([Delivery(QUOTES, ticks)])
    if connection.vendor == "postgresql":  # SQLite would keep the figures for all later tests
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE quotes_quote")  # sets the visibility map
    first = PRICES // 2 * STEP_US
    span = Span(first, first + ROWS * STEP_US)
    return statement(select(QUOTES, instrument.pk, span=span), 2 * ROWS)


def test_prices_between_two_dates_are_a_range_of_an_index(sql: tuple[str, list[int]]) -> None:
    """PostgreSQL reads nothing but the index of times, SQLite a range of its primary key."""
    if connection.vendor == "postgresql":
        (top,) = generic_plan(sql)
        (read,) = [each for each in nodes(top[0][0]["Plan"]) if "Relation Name" in each]
        assert (read["Node Type"], read["Index Name"]) == ("Index Only Scan", "quote_instrument_at")
        assert (read["Actual Rows"], read["Heap Fetches"]) == (ROWS, 0)
        assert "Filter" not in read
        assert read["Shared Hit Blocks"] + read["Shared Read Blocks"] < 10
    else:
        lines = [row[-1] for row in explained("EXPLAIN QUERY PLAN", sql)]
        found = [each.split(" (")[1] for each in lines if "SEARCH quotes_quote USING INDEX" in each]
        assert found == ["id>? AND id<?)", *["instrument_id=? AND at>?)"] * 2]
        assert not any("TEMP B-TREE" in each or "SCAN quotes_quote" in each for each in lines)


def generic_plan(statement: tuple[str, list[int]]) -> list[tuple[Any, ...]]:
    """Return the plan, with what it reads, that serves all parameters, as in archive.database."""
    numbers = itertools.count(1)
    text = re.sub("%s", lambda _: f"${next(numbers)}", statement[0])
    with connection.cursor() as cursor:
        cursor.execute(f"PREPARE span ({', '.join(['bigint'] * len(statement[1]))}) AS {text}")
        values = ", ".join(map(str, statement[1]))
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE span ({values})")
        found = list(cursor.fetchall())
        cursor.execute("DEALLOCATE span")
    return found


def explained(prefix: str, statement: tuple[str, list[int]]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"{prefix} {statement[0]}", statement[1])
        return list(cursor.fetchall())


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node of a plan and all below it."""
    yield node
    for each in node.get("Plans", ()):
        yield from nodes(each)
