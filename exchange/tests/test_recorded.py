"""The recorded tables of the exchange hold what their kinds declare, on every database."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from django.contrib.admin.sites import site
from django.core.exceptions import ValidationError
from django.db import models
from django.test import Client

from archive import records
from archive.auditing import audit
from exchange import kinds
from exchange.models import Trade
from instruments.models import Instrument
from journal import projections
from journal.journal import Journal
from market.kinds import Delivery, Kind, Rows, Table
from rig.histories import make_instrument

TABLES: Mapping[str, Table] = {
    table.table: table
    for table in vars(kinds).values()
    if isinstance(table, Table) and table is not kinds.TRADES_WITH_IDS
}
KINDS = [table for table in TABLES.values() if isinstance(table, Kind)]
MODELS = {
    model._meta.db_table: model
    for model in apps.get_app_config("exchange").get_models()
    if model._meta.db_table in TABLES
}
WIDTHS = {
    "BigAutoField": "i8",
    "BigIntegerField": "i8",
    "ForeignKey": "i8",
    "IntegerField": "i4",
    "PositiveIntegerField": "i4",
    "SmallIntegerField": "i2",
    "PositiveSmallIntegerField": "i2",
    "FloatField": "f8",
    "BinaryField": "O",
}


@pytest.fixture(autouse=True)
def no_projections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not follow these records: they concern accounts that do not exist."""
    monkeypatch.setattr(projections, "_projections", {})
    monkeypatch.setattr(projections, "_callbacks", {})


def make_records(kind: Kind, instrument: Instrument, count: int = 3) -> Rows:
    """Return valid records with different values in all fields."""
    rows = np.empty(count, dtype=kind.dtype)
    for number, name in enumerate(kind.dtype.names or ()):
        if kind.dtype[name].kind == "O":
            rows[name] = [b'{"orders": [%d]}' % n for n in range(count)]
        else:
            rows[name] = number * 10 + np.arange(count)
    rows["instrument"] = instrument.pk
    rows["seq"] = np.arange(1, count + 1)
    if kind is kinds.TRADES:
        rows["side"] = [1, -1, 1]
    return rows


@pytest.mark.parametrize("table", MODELS)
def test_columns_are_as_wide_as_the_fields_of_their_kind(table: str) -> None:
    fields = {field.column: field for field in MODELS[table]._meta.concrete_fields}
    dtype = TABLES[table].dtype
    columns = {name: name + "_id" * (name == "instrument") for name in dtype.names or ()}
    assert set(fields) == {"id", *columns.values()}
    for name, column in columns.items():
        assert np.dtype(WIDTHS[width_of(fields[column])]) == dtype[name], name


def width_of(field: "models.Field[Any, Any]") -> str:
    return "BigIntegerField" if field.many_to_one else field.get_internal_type()


@pytest.mark.django_db
def test_records_of_every_kind_are_stored_read_and_audited() -> None:
    es = make_instrument()
    stored = {kind: make_records(kind, es) for kind in KINDS}
    with Journal([es]) as journal:
        journal.append([Delivery(kind, rows) for kind, rows in stored.items()])
    for kind, rows in stored.items():
        assert (records.read(kind, es, 0, 3) == rows).all(), kind.name
        assert len(MODELS[kind.table]._default_manager.all()) == 3
        assert str(MODELS[kind.table]._default_manager.first()).endswith("1 of ES")
    report = audit(es)
    assert {report.counts[kind.name] for kind in KINDS} == {3}


@pytest.mark.django_db
@pytest.mark.parametrize("table", MODELS)
def test_admin_shows_records_and_changes_none(admin_client: Client, table: str) -> None:
    es, model = make_instrument(), MODELS[table]
    if isinstance(kind := TABLES[table], Kind):
        with Journal([es]) as journal:
            journal.append([Delivery(kind, make_records(kind, es))])
    path = f"/admin/exchange/{model._meta.model_name}/"
    assert admin_client.get(path).status_code == 200
    assert admin_client.get(path, {"q": "2"}).status_code == 200
    assert admin_client.get(f"{path}add/").status_code == 403
    assert not site._registry[model].show_full_result_count
    row = model._default_manager.first()
    if row is not None:
        assert admin_client.get(f"{path}{row.pk}/change/").status_code == 200


@pytest.mark.django_db
def test_lot_size_is_fixed_once_trades_exist(admin_client: Client) -> None:
    es = make_instrument()
    with Journal([es]) as journal:
        journal.append([Delivery(kinds.TRADES, make_records(kinds.TRADES, es))])
    assert Trade.objects.count() == 3
    es.lot_size = 10
    with pytest.raises(ValidationError, match="lot size of ES is fixed at 1: trades"):
        es.save()
    page = admin_client.get(f"/admin/instruments/instrument/{es.pk}/change/").content.decode()
    assert 'name="tick_size"' in page
    assert 'name="lot_size"' not in page
