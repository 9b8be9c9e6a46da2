"""Rules of an instrument with a book."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

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


@pytest.mark.django_db(transaction=True)
def test_upgrade_gives_books_to_unchanged_instruments_of_the_catalogue() -> None:
    try:
        old = migrated("0001_initial")
        for symbol, tick_size in [("ES", "0.25"), ("EURUSD", "0.0001"), ("NQ", "0.25")]:
            old.objects.create(symbol=symbol, name=symbol, tick_size=Decimal(tick_size))
        new = migrated("0003_books_of_known_instruments")
        assert dict(new.objects.values_list("symbol", "has_book")) == {
            "ES": True,
            "EURUSD": False,
            "NQ": False,
        }
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())


def migrated(name: str) -> Any:
    """Migrate the app; return its model as it was then."""
    executor = MigrationExecutor(connection)
    target = [("instruments", name)]
    executor.migrate(target)
    apps = MigrationExecutor(connection).loader.project_state(target).apps
    return apps.get_model("instruments", "Instrument")
