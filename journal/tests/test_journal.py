import itertools
import threading

import numpy as np
import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from instruments.models import Instrument
from journal import leases, streams
from journal.journal import Journal, JournalError, load_tail
from journal.leases import LeaseHeldError, LeaseLostError
from journal.models import Lease, Stream
from journal.storage import insert
from journal.streams import FencedError
from market.keys import LARGEST_SEQ, SeqRangeError, row_key
from market.kinds import Delivery
from market.ticks import tick_array
from market.timeframes import SECONDS
from quotes.kinds import QUOTES, REGIMES
from quotes.models import Candle, Quote, Regime

MONDAY = 1_767_571_200_000_000  # 2026-01-05 00:00 UTC
pytestmark = pytest.mark.django_db


@pytest.fixture
def es():
    return Instrument.objects.create(symbol="ES", name="E-mini S&P 500", tick_size="0.25")


def ticks(instrument, n, first_seq=1, step_s=7, at=MONDAY):
    seq = np.arange(first_seq, first_seq + n)
    prices = 1000 + (seq * 7919) % 41
    return tick_array(instrument.pk, seq, at + seq * step_s * 1_000_000, prices)


def record(journal, block):
    journal.append([Delivery(QUOTES, block)])


def rows(queryset):
    return list(queryset.order_by("pk").values_list())


def candles(instrument):
    return sorted(
        Candle.objects.filter(instrument=instrument).values_list(
            "timeframe", "opened_at", "open", "high", "low", "close", "first_seq", "count"
        )
    )


def test_candles_do_not_depend_on_batch_boundaries(es):
    nq = Instrument.objects.create(symbol="NQ", name="E-mini Nasdaq-100", tick_size="0.25")
    n = 20_000
    with Journal([es, nq]) as journal:
        record(journal, ticks(es, n, step_s=97))
        cuts = [0, 1, 2, 9, 10, 500, 501, 7_000, 19_999, n]
        for first, end in itertools.pairwise(cuts):
            record(journal, ticks(nq, n, step_s=97)[first:end])
            journal.reload()
    assert candles(es) == candles(nq)
    assert {row[0] for row in candles(es)} == set(SECONDS)


def test_restart_restores_open_candles(es):
    with Journal([es]) as journal:
        record(journal, ticks(es, 5000, step_s=61))
        live = journal.tail(es.pk, QUOTES).derived[0].ladder
        loaded = load_tail(es, QUOTES, journal.tail(es.pk, QUOTES).place).derived[0].ladder
        ending = ticks(es, 1, first_seq=5001, step_s=61, at=MONDAY + 15 * 86_400_000_000)
        closed = live.extend(ending)
        again = loaded.extend(ending)
    assert closed.keys() == again.keys() == set(SECONDS)
    for seconds in SECONDS:
        assert np.array_equal(closed[seconds], again[seconds])


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda t: t["seq"].__setitem__(5, 99), "quotes.ES: seq 99 follows 8: it must rise by 1"),
        (lambda t: t["at"].__setitem__(5, t["at"][4]), "not later than the one before"),
        (lambda t: t["ticks"].__setitem__(5, 0), "price of 0 ticks"),
        (lambda t: t["instrument"].__setitem__(5, 0), "records of other instruments"),
    ],
)
def test_batch_that_does_not_continue_stream_is_rejected_whole(es, spoil, complaint):
    with Journal([es]) as journal:
        record(journal, ticks(es, 3))
        bad = ticks(es, 10, first_seq=4)
        before = rows(Quote.objects.all())
        spoil(bad)
        with pytest.raises(JournalError, match=complaint):
            record(journal, bad)
        assert rows(Quote.objects.all()) == before
        record(journal, ticks(es, 10, first_seq=4))
    assert Quote.objects.count() == 13


@pytest.mark.django_db(transaction=True)
def test_publishes_only_after_commit(es):
    seen = []

    def publish(committed):
        seen.append((connection.in_atomic_block, Quote.objects.count()))

    with Journal([es], publish) as journal:
        record(journal, ticks(es, 5))
    assert seen == [(False, 5)]


@pytest.mark.django_db(transaction=True)
def test_failed_transaction_is_rolled_back_and_can_be_retried(es):
    published = []
    with Journal([es], published.append) as journal:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE quotes_candle RENAME TO candle_renamed")
        try:
            with pytest.raises(Exception, match="quotes_candle"):
                record(journal, ticks(es, 100))
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE candle_renamed RENAME TO quotes_candle")
        assert (Quote.objects.count(), published) == (0, [])
        record(journal, ticks(es, 100))
    assert Quote.objects.count() == 100
    assert len(published) == 1


def test_second_writer_is_rejected_with_lease_holder_and_start_time(es):
    with Journal([es]) as first:
        with pytest.raises(LeaseHeldError, match=f"ES has been driven by {first.holder} since 20"):
            Journal([es]).__enter__()
        first.renew_leases()
    assert Lease.objects.count() == 0
    with Journal([es]):
        pass


def test_lease_of_dead_process_expires(es, settings):
    dead = Journal([es])
    dead.__enter__()
    host = dead.holder.split(":")[0]
    Lease.objects.update(holder=f"{host}:{2**22 + 1}:dead")
    with Journal([es]), pytest.raises(LeaseLostError):
        dead.renew_leases()
    other_host = Journal([es])
    other_host.__enter__()
    Lease.objects.update(holder="elsewhere:1:x")
    with pytest.raises(LeaseHeldError):
        Journal([es]).__enter__()
    settings.LEASE_TTL_S = 0
    with Journal([es]):
        pass


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_connection_lost_during_copy_raises_operational_error(es):
    with Journal([es]) as journal:
        record(journal, ticks(es, 1))
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as other:
            pid = connection.connection.info.backend_pid
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        with pytest.raises(OperationalError), transaction.atomic():
            insert(QUOTES, ticks(es, 1, first_seq=2))
        connection.close()


def test_deliveries_of_a_flush_are_merged_into_one_per_stream(
    es, django_capture_on_commit_callbacks
):
    published = []
    block = ticks(es, 9)
    regime = np.array([(es.pk, 1, int(block["at"][3]), 0.5, 4)], dtype=REGIMES.dtype)
    with Journal([es], published.append) as journal:
        quotes = [Delivery(QUOTES, block[at : at + 3]) for at in (0, 3, 6)]
        with django_capture_on_commit_callbacks(execute=True):
            journal.append([quotes[0], quotes[1], Delivery(REGIMES, regime), quotes[2]])
    ((first, second),) = published
    assert (first.kind, second.kind) == (QUOTES, REGIMES)
    assert first.rows["seq"].tolist() == list(range(1, 10))
    assert list(Regime.objects.values_list("phi", "first_seq")) == [(0.5, 4)]


def test_second_writer_is_fenced_even_with_a_lease(es):
    """Both writers hold a lease, as after a clock jump; the epoch admits only the second."""
    with Journal([es]) as first:
        record(first, ticks(es, 5))
        Lease.objects.all().delete()
        with Journal([es]) as second:
            with pytest.raises(FencedError):
                record(first, ticks(es, 1, first_seq=6))
            record(second, ticks(es, 1, first_seq=6))
            with pytest.raises(FencedError, match="took over our streams"):
                first.reload()
    assert list(Quote.objects.values_list("seq", flat=True)) == [1, 2, 3, 4, 5, 6]
    assert Stream.objects.get(instrument=es, kind="quotes").last_seq == 6


def test_append_is_fenced_if_last_seq_changed(es):
    with Journal([es]) as journal:
        record(journal, ticks(es, 2))
        Stream.objects.filter(kind="quotes").update(last_seq=1)
        with pytest.raises(FencedError):
            record(journal, ticks(es, 1, first_seq=3))
    assert Quote.objects.count() == 2


def test_stream_without_its_newest_record_is_not_continued(es):
    with Journal([es]) as journal:
        record(journal, ticks(es, 3))
    Quote.objects.filter(pk=row_key(es.pk, 3)).delete()
    with Journal([es]) as journal, pytest.raises(JournalError, match="that record is not stored"):
        journal.tail(es.pk, QUOTES)


def test_seq_too_large_for_a_key_is_rejected(es):
    with pytest.raises(SeqRangeError, match=str(LARGEST_SEQ + 1)):
        insert(QUOTES, ticks(es, 1, first_seq=LARGEST_SEQ + 1))
    with pytest.raises(SeqRangeError):
        row_key(es.pk, -1)
    assert not Quote.objects.exists()


def test_ends_of_streams_take_one_query(es, django_assert_num_queries):
    with Journal([es]) as journal:
        record(journal, ticks(es, 3))
    with django_assert_num_queries(1):
        assert streams.ends(QUOTES, ["ES", "NOPE"]) == {"ES": 3}


@pytest.mark.django_db(transaction=True)
def test_expired_lease_is_taken_by_exactly_one_of_two_standbys(es, settings):
    """Race: both read the lease as expired before either takes it."""
    settings.LEASE_TTL_S = 0
    now = timezone.now()
    Lease.objects.create(instrument=es, holder="elsewhere:1:x", acquired_at=now, renewed_at=now)
    expired = Lease.objects.get()
    settings.LEASE_TTL_S = 15
    ready, outcomes = threading.Barrier(2), []

    def stand_by(holder):
        try:
            ready.wait(10)
            with transaction.atomic():
                leases.take_if_unchanged(expired, holder, timezone.now())
            outcomes.append(holder)
        except LeaseHeldError as error:
            outcomes.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=stand_by, args=(f"host:{n}:standby",)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = Lease.objects.get().holder
    assert winner in outcomes
    assert sum(f"ES has been driven by {winner} since" in outcome for outcome in outcomes) == 1
