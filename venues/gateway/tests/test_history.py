"""The query plans of the history: what the database reads for prices between two dates."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pytest
from django.db import connection

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
            cursor.execute("ANALYZE")
    first = PRICES // 2 * STEP_US
    span = Span(first, first + ROWS * STEP_US)
    return select(QUOTES, instrument.pk, span=span).sql(2 * ROWS)


def test_prices_between_two_dates_are_a_range_of_an_index(sql: tuple[str, list[int]]) -> None:
    """Two lookups of a date, one range of the primary key; nothing is sorted or filtered out."""
    if connection.vendor == "postgresql":
        (top,) = explained("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)", sql)
        read = [each for each in nodes(top[0][0]["Plan"]) if "Relation Name" in each]
        indexes = [(each["Index Name"], each["Actual Rows"]) for each in read]
        assert sorted(name for name, _ in indexes) == [
            "quote_instrument_at", "quote_instrument_at", "quotes_quote_pkey",
        ]  # fmt: skip
        assert dict(indexes)["quotes_quote_pkey"] == ROWS
        assert all("Filter" not in each for each in read)
        assert top[0][0]["Plan"]["Shared Hit Blocks"] + top[0][0]["Plan"]["Shared Read Blocks"] < 40
    else:
        lines = [row[-1] for row in explained("EXPLAIN QUERY PLAN", sql)]
        found = [each.split(" (")[1] for each in lines if "SEARCH quotes_quote USING INDEX" in each]
        assert found == ["id>? AND id<?)", *["instrument_id=? AND at>?)"] * 2]
        assert not any("TEMP B-TREE" in each or "SCAN quotes_quote" in each for each in lines)


def explained(prefix: str, statement: tuple[str, list[int]]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"{prefix} {statement[0]}", statement[1])
        return list(cursor.fetchall())


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node of a plan and all below it."""
    yield node
    for each in node.get("Plans", ()):
        yield from nodes(each)
