"""Rules of an instrument with a book."""

from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError

from archive.instruments import find
from instruments.models import Instrument


@pytest.mark.django_db
def test_book_requires_money_in_whole_units() -> None:
    fields = {"symbol": "ES", "name": "ES", "tick_size": Decimal("0.00001")}
    small = Instrument(**fields, lot_size=Decimal("0.0001"), has_book=True)
    with pytest.raises(ValidationError, match=r"0\.000000001 USD: with a book"):
        small.full_clean()
    with pytest.raises(ValidationError, match=r"multiple of 0\.00000001"):
        small.save()
    Instrument(**fields, lot_size=Decimal("0.0001")).full_clean()
    Instrument(**fields, lot_size=Decimal("0.001"), has_book=True).full_clean()


@pytest.mark.django_db
def test_reads_without_the_orm_know_the_lot_size() -> None:
    made = Instrument.objects.create(
        symbol="BTCUSDT", name="B", tick_size=Decimal("0.1"), lot_size=Decimal("0.001")
    )
    found = find("BTCUSDT")
    assert found is not None
    assert found.lattice == made.lattice


@pytest.mark.django_db
def test_upgrade_gives_books_to_unchanged_instruments_of_the_catalogue() -> None:
    for symbol, tick_size in [("ES", "0.25"), ("EURUSD", "0.0001"), ("NQ", "0.25")]:
        Instrument.objects.create(symbol=symbol, name=symbol, tick_size=Decimal(tick_size))
    import_module("instruments.migrations.0003_books_of_known_instruments").give_books(apps, None)
    assert dict(Instrument.objects.values_list("symbol", "has_book")) == {
        "ES": True,
        "EURUSD": False,
        "NQ": False,
    }
