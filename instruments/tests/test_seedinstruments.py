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
    assert len(instruments) == 12
    assert min(i.tick_size for i in instruments) == Decimal("0.00001")
    assert max(i.tick_size for i in instruments) == 1
    for instrument in instruments:
        instrument.full_clean()


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
    assert capsys.readouterr().out.startswith("kept 12: ES, NQ")
