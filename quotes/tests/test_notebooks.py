"""The examples of docs/notebooks.md run, and the SQL views match the tables."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from quotes.models import Candle, Quote
from rig.histories import START, make_instrument, make_ticks, record

DOCUMENT = Path(__file__).parents[2] / "docs" / "notebooks.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)


@pytest.mark.django_db(transaction=True)
def test_python_examples_of_the_document_run(
    live_server: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    record(make_ticks(make_instrument(), 2_000), regimes=4)
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(block.replace("http://127.0.0.1:8000", live_server.url), names)
    assert len(names["quotes"]) == 2_000
    assert names["frame"]["count"].sum() == names["hours"]["count"].sum() == 2_000
    assert "estimated" in capsys.readouterr().out


def rows(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found: list[Any] = cursor.fetchall()
        return found


@pytest.mark.django_db
def test_views_show_prices_and_times() -> None:
    market = record(make_ticks(make_instrument(tick_size="0.0001"), 200), regimes=2)
    (sql,) = blocks("sql")
    shown = rows(sql)
    assert len(shown) == 5
    assert [Decimal(str(price)) for _, price in shown] == [
        Quote.objects.get(seq=seq).ticks * Decimal("0.0001") for seq in range(200, 195, -1)
    ]
    ((at,),) = rows("SELECT at FROM quote_prices WHERE seq = 1")
    if isinstance(at, str):
        at = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert at == START
    ((count, total),) = rows("SELECT count(*), sum(count) FROM candle_prices WHERE timeframe = 60")
    assert count == Candle.objects.filter(timeframe=60).count()
    assert 0 < total <= len(market)
    assert rows("SELECT symbol, first_seq FROM regime_times ORDER BY first_seq")[0] == ("ES", 1)
