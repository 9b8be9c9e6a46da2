"""Clusters are stored with their trades, survive restarts, and are audited."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from django.db import connection

from archive.auditing import audit
from archive.selections import EVER
from exchange.kinds import TRADES
from instruments.models import Instrument
from journal.journal import Journal
from journal.pruning import prune
from market.kinds import Delivery
from market.timeframes import SECONDS
from orderflow.models import Cluster
from orderflow.stored import closed_clusters
from orderflow.tests.naive import as_dicts, naive_clusters, random_trades
from orderflow.tests.recorded import make_traded, record, store

pytestmark = pytest.mark.django_db
ROWS = "SELECT timeframe, opened_at, number, first_seq, last_seq, mark, data FROM orderflow_cluster"


@pytest.fixture
def es() -> Instrument:
    return make_traded()


def stored() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"{ROWS} ORDER BY timeframe, opened_at")
        return [(*row[:-1], bytes(row[-1])) for row in cursor.fetchall()]


def violations(es: Instrument) -> list[str]:
    """Return the violations of clusters; the made-up trades have no quotes."""
    return [each for each in audit(es).violations if "clusters" in each]


@pytest.mark.parametrize("batches", [1, 60])
def test_clusters_are_those_of_the_trades_whatever_batches_and_restarts(
    es: Instrument, batches: int
) -> None:
    trades = record(es, 3_000, pause_s=200, batches=batches)
    for seconds in SECONDS:
        right = naive_clusters(trades, seconds, 1)[:-1]
        assert as_dicts(closed_clusters(es, seconds, EVER)) == right
        numbers = Cluster.objects.filter(timeframe=seconds).order_by("opened_at")
        assert list(numbers.values_list("number", flat=True)) == list(range(1, len(right) + 1))
    report = audit(es)
    assert not violations(es)
    assert report.counts["clusters"] == Cluster.objects.count() > 1_000


def test_a_failed_transaction_stores_no_clusters_and_the_next_one_does(es: Instrument) -> None:
    trades = random_trades(np.random.default_rng(1), 600)
    trades["instrument"] = es.pk
    bad = trades[300:500].copy()
    bad["lots"][-1] = 0
    with Journal([es]) as journal:
        journal.append([Delivery(TRADES, trades[:300])])
        before = stored()
        with pytest.raises(ValueError, match="0 lots"):
            journal.append([Delivery(TRADES, bad)])
        assert stored() == before
        journal.append([Delivery(TRADES, trades[300:])])
    assert not violations(es)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            {"data": b"\x01\x02\x00\x00\x00\x00\x01\x00\x01\x00\x01"},
            "differs from its trades in data",
        ),
        ({"mark": 5}, "differs from its trades in mark"),
        ({"number": 5000}, "differs from its trades in number"),
        ({"last_seq": 5000}, "differs from its trades in last_seq"),
        (None, "is missing"),
    ],
)
def test_audit_reports_damaged_clusters(
    es: Instrument, change: dict[str, Any] | None, what: str
) -> None:
    record(es, 1_000)
    damaged = Cluster.objects.filter(timeframe=60).order_by("opened_at")[3:4].get()
    rows = Cluster.objects.filter(pk=damaged.pk)
    rows.delete() if change is None else rows.update(**change)
    (found,) = violations(es)
    assert what in found
    assert f"1m of {damaged.opened_at.isoformat()}" in found


def test_audit_reports_clusters_without_trades(es: Instrument) -> None:
    record(es, 500)
    last = Cluster.objects.filter(timeframe=60).latest("opened_at")
    last.pk, last.opened_at = None, last.opened_at.replace(year=2099)
    last.save()
    (found,) = violations(es)
    assert "is stored but not closed by any trade" in found


def migrate_again() -> None:
    Cluster.objects.all().delete()
    name = "orderflow.migrations.0002_clusters_of_recorded_trades"
    import_module(name).fill(apps, None)


def test_migration_makes_the_same_clusters_as_the_journal(es: Instrument) -> None:
    record(es, 2_000, pause_s=100)
    right = stored()
    migrate_again()
    assert stored() == right
    more = random_trades(np.random.default_rng(2), 4_000, pause_s=100)
    store(es, more[2_000:], batches=1)  # later in time, and next in seq
    assert not violations(es)


def test_migration_leaves_out_clusters_that_lack_removed_trades(es: Instrument) -> None:
    trades = record(es, 2_000, pause_s=100)
    prune(TRADES, es.pk, 1_000)
    migrate_again()
    for seconds in SECONDS:
        whole = [c for c in naive_clusters(trades, seconds, 1)[:-1] if c["first_seq"] > 1_001]
        assert as_dicts(closed_clusters(es, seconds, EVER)) == whole
    more = random_trades(np.random.default_rng(2), 4_000, pause_s=100)
    store(es, more[2_000:], batches=3)
    assert not violations(es)
    week = Cluster.objects.filter(timeframe=SECONDS[-1]).order_by("opened_at").first()
    assert week is None or week.first_seq > 1_001
