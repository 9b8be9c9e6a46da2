"""Projections run in the journal's transaction, once for each record."""

import threading

import pytest
from django.db import OperationalError, connection, connections, transaction

from instruments.models import Instrument
from journal import projections
from journal.intake import Intake
from journal.journal import Journal
from journal.writer import WriterThread
from market.kinds import Delivery
from quotes.kinds import QUOTES
from quotes.models import Quote
from rig.histories import make_instrument, make_ticks

MOST_S = 60


@pytest.fixture(autouse=True)
def registries(monkeypatch):
    monkeypatch.setattr(projections, "_projections", {})
    monkeypatch.setattr(projections, "_callbacks", {})


def count_quotes(rows):
    """Count the quotes of each instrument in its name, as an ordinary table would."""
    for key in set(rows["instrument"].tolist()):
        found = Instrument.objects.filter(pk=key)
        found.update(name=str(int(found.get().name) + int((rows["instrument"] == key).sum())))


@pytest.fixture
def es(db):
    return counted("ES")


def counted(symbol):
    instrument = make_instrument(symbol)
    instrument.name = "0"
    instrument.save()
    return instrument


@pytest.mark.django_db
def test_projection_sees_each_record_of_all_streams_once(es):
    nq = counted("NQ")
    projections.register(QUOTES, count_quotes)
    with Journal([es, nq]) as journal:
        for block in (slice(7), slice(7, 30)):
            journal.append([Delivery(QUOTES, make_ticks(each, 30)[block]) for each in (es, nq)])
    assert [i.name for i in Instrument.objects.order_by("id")] == ["30", "30"]


@pytest.mark.django_db
def test_failed_projection_leaves_nothing_stored(es):
    def fail(rows):
        raise OperationalError("out of disk")

    projections.register(QUOTES, count_quotes)
    projections.register(QUOTES, fail)
    with Journal([es]) as journal, pytest.raises(OperationalError):
        journal.append([Delivery(QUOTES, make_ticks(es, 5))])
    assert Quote.objects.count() == 0
    assert Instrument.objects.get().name == "0"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_committed", [True, False])
def test_lost_answer_to_a_commit_repeats_no_projection(monkeypatch, is_committed):
    """The connection fails during COMMIT: the writer cannot know what the database did."""
    es = counted("ES")
    projections.register(QUOTES, count_quotes)
    answers, published = [], []
    projections.after_commit(QUOTES, lambda rows: answers.append(rows["seq"].tolist()))
    intake = Intake(1_000)
    states = []
    with Journal([es], published.append) as journal:
        writer = WriterThread(journal, intake, states.append)
        lose_answer_of_next_commit(monkeypatch, writer, is_committed)
        connection.close()
        writer.start()
        for block in (slice(10), slice(10, 12)):
            intake.put((Delivery(QUOTES, make_ticks(es, 12)[block]),))
        intake.close()
        writer.join(MOST_S)
    assert writer.error is None
    assert states == ["stale", "live"]
    assert Instrument.objects.get().name == "12"
    assert Quote.objects.count() == 12
    flat = [seq for seqs in answers for seq in seqs]
    assert flat == list(range(1, 13))
    assert [int(d.rows["seq"][-1]) for batch in published for d in batch][-1] == 12


def lose_answer_of_next_commit(monkeypatch, writer, is_committed):
    """Make the writer's next COMMIT fail, after the database has committed or before."""
    backend = type(connections["default"])
    commit = backend._commit
    failures = iter([True])

    def fail(self):
        if threading.current_thread() is not writer or not next(failures, False):
            return commit(self)
        if is_committed:
            commit(self)
        raise OperationalError("the connection was closed")

    monkeypatch.setattr(backend, "_commit", fail)


@pytest.mark.django_db(transaction=True)
def test_callbacks_after_commit_see_the_records(es):
    seen = []
    projections.after_commit(QUOTES, lambda rows: seen.append((len(rows), in_transaction())))
    with Journal([es]) as journal:
        journal.append([Delivery(QUOTES, make_ticks(es, 5))])
    assert seen == [(5, False)]


def in_transaction():
    return transaction.get_connection().in_atomic_block


@pytest.mark.django_db(transaction=True)
def test_urgent_bundle_is_flushed_without_waiting_for_a_fuller_batch(settings):
    settings.JOURNAL_FLUSH_S = 3_600
    es = make_instrument()
    stored = threading.Semaphore(0)
    intake = Intake(1_000)
    ticks = make_ticks(es, 3)
    with Journal([es], lambda committed: stored.release()) as journal:
        writer = WriterThread(journal, intake, lambda state: None)
        connection.close()
        writer.start()
        for n in range(3):  # from the second on, the writer is waiting out JOURNAL_FLUSH_S
            intake.put((Delivery(QUOTES, ticks[n : n + 1]),), urgent=n > 0)
            assert stored.acquire(timeout=MOST_S)
        intake.close()
        writer.join(MOST_S)
    assert writer.error is None
    assert Quote.objects.count() == 3
