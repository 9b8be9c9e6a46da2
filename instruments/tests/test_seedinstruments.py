import json
from decimal import Decimal

import pytest
from django.core.management import call_command

from instruments.catalogue import CATALOGUE
from instruments.models import Instrument

pytestmark = pytest.mark.django_db


def test_seeded_instruments_start_with_es_and_nq_and_are_valid() -> None:
    call_command("seedinstruments")
    instruments = list(Instrument.objects.order_by("id"))
    assert [(i.symbol, i.tick_size) for i in instruments[:2]] == [
        ("ES", Decimal("0.25")),
        ("NQ", Decimal("0.25")),
    ]
    assert len(instruments) == 15
    assert min(i.tick_size for i in instruments) == Decimal("0.00001")
    assert max(i.tick_size for i in instruments) == 1
    for instrument in instruments:
        instrument.full_clean()


def test_books_of_the_catalogue_count_money_in_whole_units() -> None:
    call_command("seedinstruments")
    lots = dict(Instrument.objects.filter(has_book=True).values_list("symbol", "lot_size"))
    assert lots == {
        "ES": 1,
        "EURUSD": 1,
        "BTC-PERPETUAL": 1,
        "BTCUSDT": Decimal("0.001"),
        "ETHUSDT": Decimal("0.01"),
        "SOLUSDT": Decimal("0.1"),
    }


def test_seeding_twice_changes_nothing_and_reports_kept_symbols(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Instrument.objects.create(symbol="NQ", name="mine", tick_size="0.5")
    call_command("seedinstruments", json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["kept"] == ["NQ"]
    assert len(report["added"]) == len(CATALOGUE) - 1
    assert Instrument.objects.get(symbol="NQ").name == "mine"
    call_command("seedinstruments")
    assert capsys.readouterr().out.startswith("kept 15: ES, NQ")
