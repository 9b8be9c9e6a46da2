import itertools

import numpy as np
import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from instruments.models import Instrument
from journal.leases import LeaseHeldError, LeaseLostError
from journal.recorder import Recorder, RecordingError, load_tail
from journal.storage import insert_quotes
from market.ticks import tick_array
from market.timeframes import SECONDS
from quotes.law.walker import RegimeStart
from quotes.models import Candle, Lease, Quote, Regime

MONDAY = 1_767_571_200_000_000  # 2026-01-05 00:00 UTC
pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def es():
    return Instrument.objects.create(symbol="ES", name="E-mini S&P 500", tick_size="0.25")


def ticks(instrument, n, first_seq=1, step_s=7, at=MONDAY):
    seq = np.arange(first_seq, first_seq + n)
    prices = 1000 + (seq * 7919) % 41
    return tick_array(instrument.pk, seq, at + seq * step_s * 1_000_000, prices)


def rows(queryset):
    return list(queryset.order_by("pk").values_list())


def candles(instrument):
    return sorted(
        Candle.objects.filter(instrument=instrument).values_list(
            "timeframe", "opened_at", "open", "high", "low", "close", "first_seq", "count"
        )
    )


def test_any_partition_of_the_ticks_gives_the_same_candles(es):
    nq = Instrument.objects.create(symbol="NQ", name="E-mini Nasdaq-100", tick_size="0.25")
    n = 20_000
    with Recorder([es, nq]) as recorder:
        recorder.record(ticks(es, n, step_s=97))
        cuts = [0, 1, 2, 9, 10, 500, 501, 7_000, 19_999, n]
        for first, end in itertools.pairwise(cuts):
            recorder.record(ticks(nq, n, step_s=97)[first:end])
            recorder.reload()
    assert candles(es) == candles(nq)
    assert {row[0] for row in candles(es)} == set(SECONDS)


def test_the_open_candles_after_a_restart_are_those_before_it(es):
    with Recorder([es]) as recorder:
        recorder.record(ticks(es, 5000, step_s=61))
        live = recorder.tail(es.pk).ladder
        loaded = load_tail(es).ladder
        ending = ticks(es, 1, first_seq=5001, step_s=61, at=MONDAY + 15 * 86_400_000_000)
        closed = live.extend(ending)
        again = loaded.extend(ending)
    assert closed.keys() == again.keys() == set(SECONDS)
    for seconds in SECONDS:
        assert np.array_equal(closed[seconds], again[seconds])


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda t: t["seq"].__setitem__(5, 99), "tick 99 follows 5: seq must rise by one"),
        (lambda t: t["at"].__setitem__(5, t["at"][4]), "not later than the one before"),
        (lambda t: t["ticks"].__setitem__(5, 0), "price of 0 ticks"),
        (lambda t: t["instrument"].__setitem__(5, 0), "ticks of other instruments"),
    ],
)
def test_a_batch_that_does_not_continue_the_history_changes_nothing(es, spoil, complaint):
    with Recorder([es]) as recorder:
        recorder.record(ticks(es, 3))
        bad = ticks(es, 10, first_seq=4)
        before = rows(Quote.objects.all())
        spoil(bad)
        with pytest.raises(RecordingError, match=complaint.replace("5:", "\\d:")):
            recorder.record(bad)
        assert rows(Quote.objects.all()) == before
        recorder.record(ticks(es, 10, first_seq=4))
    assert Quote.objects.count() == 13


def test_regimes_end_where_the_next_begins(es):
    block = ticks(es, 10)
    at = block["at"].tolist()
    with Recorder([es]) as recorder:
        recorder.record(
            block[:5], [RegimeStart(es.pk, 0.5, 1, at[0]), RegimeStart(es.pk, -0.5, 3, at[2])]
        )
        recorder.record(block[5:], [RegimeStart(es.pk, 0.1, 8, at[7])])
    assert list(
        Regime.objects.order_by("first_seq").values_list("phi", "first_seq", "last_seq")
    ) == [
        (0.5, 1, 2),
        (-0.5, 3, 7),
        (0.1, 8, None),
    ]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_published_before_its_commit(es):
    seen = []

    def publish(blocks, regimes):
        seen.append((connection.in_atomic_block, Quote.objects.count()))

    with Recorder([es], publish) as recorder:
        recorder.record(ticks(es, 5))
    assert seen == [(False, 5)]


@pytest.mark.django_db(transaction=True)
def test_a_failed_transaction_leaves_no_trace_and_can_be_repeated(es):
    published = []
    with Recorder([es], lambda *p: published.append(p)) as recorder:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE quotes_candle RENAME TO candle_away")
        try:
            with pytest.raises(Exception, match="quotes_candle"):
                recorder.record(ticks(es, 100))
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE candle_away RENAME TO quotes_candle")
        assert (Quote.objects.count(), published) == (0, [])
        recorder.record(ticks(es, 100))
    assert Quote.objects.count() == 100
    assert len(published) == 1


def test_a_second_recorder_is_refused_with_who_holds_the_lease_and_since_when(es):
    with Recorder([es]) as first:
        with pytest.raises(LeaseHeldError, match=f"ES is driven by {first.holder} since 20"):
            Recorder([es]).__enter__()
        first.renew_leases()
    assert Lease.objects.count() == 0
    with Recorder([es]):
        pass


def test_the_lease_of_a_dead_process_expires(es, settings):
    dead = Recorder([es])
    dead.__enter__()
    host = dead.holder.split(":")[0]
    Lease.objects.update(holder=f"{host}:{2**22 + 1}:dead")
    with Recorder([es]), pytest.raises(LeaseLostError):
        dead.renew_leases()
    other_host = Recorder([es])
    other_host.__enter__()
    Lease.objects.update(holder="elsewhere:1:x")
    with pytest.raises(LeaseHeldError):
        Recorder([es]).__enter__()
    settings.LEASE_TTL_S = 0
    with Recorder([es]):
        pass


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_a_server_that_ends_the_connection_in_a_copy_is_a_database_that_is_away(es):
    with Recorder([es]) as recorder:
        recorder.record(ticks(es, 1))
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as other:
            pid = connection.connection.info.backend_pid
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        with pytest.raises(OperationalError), transaction.atomic():
            insert_quotes(ticks(es, 1, first_seq=2))
        connection.close()
