"""Retention of books and trades: what is kept stays readable, and the audit stays clean."""

import json

import numpy as np
import pytest
from django.core.management import call_command

from archive import records
from archive.auditing import audit
from exchange import retention
from exchange.depth import recording
from exchange.depth.history import book_at, first_at
from exchange.kinds import BLOCKS, TRADES
from exchange.models import BookBlock, Trade
from exchange.retention import RetentionThread, prune_all
from exchange.tests.reference import both_sides, naive_book
from journal import pruning
from journal.journal import Journal
from journal.models import Stream
from journal.pruning import prune
from live import companions
from live.streams import KindStreams
from market.kinds import Delivery
from market.times import to_microseconds
from quotes.kinds import QUOTES
from rig.books import record_book
from rig.histories import START, make_instrument, make_ticks, make_trades

KEPT_S = 20


@pytest.fixture
def keep(settings):
    def keep(book_s=0, trades_s=0):
        settings.EXCHANGE_KEEP_BOOK_S, settings.EXCHANGE_KEEP_TRADES_S = book_s, trades_s

    return keep


@pytest.fixture
def es(db):
    return make_instrument("ES")


@pytest.fixture
def book(es, monkeypatch):
    """Return the updates and blocks of a stored book of 44 s, with a snapshot every 10 blocks."""
    monkeypatch.setattr(recording, "SNAPSHOT_BLOCKS", 10)
    return record_book(es, 3_000, (10,))


def store_trades(es):
    """Store 200 slots of 7 s with three trades each."""
    ticks = make_ticks(es, 200, interval_s=7)
    trades = make_trades(ticks)
    with Journal([es]) as journal:
        journal.append([Delivery(QUOTES, ticks), Delivery(TRADES, trades)])
    return trades


def test_books_are_exact_from_the_oldest_moment_to_be_kept_on(es, book, keep, monkeypatch):
    monkeypatch.setattr(pruning, "AT_ONCE", 7)
    updates, blocks = book
    keep(book_s=KEPT_S)
    removed = prune_all()[BLOCKS.name]
    oldest = int(blocks["at"][-1]) - KEPT_S * 1_000_000
    kept = BookBlock.objects.order_by("seq")
    assert removed == len(blocks) - kept.count() > 100
    assert kept[0].is_snapshot
    assert first_at(es.pk) <= oldest < first_at(es.pk) + 2_000_000
    for at in np.linspace(oldest, blocks["at"][-1], 20).astype(int).tolist():
        assert both_sides(book_at(es.pk, at).book) == naive_book(updates, at).both
    assert book_at(es.pk, first_at(es.pk) - 1) is None
    assert audit(es).violations == []
    assert prune_all().total() == 0


def test_nothing_is_removed_by_default_or_while_all_is_younger(es, book, keep):
    assert prune_all().total() == 0
    keep(book_s=3_600, trades_s=3_600)
    assert prune_all().total() == 0
    assert BookBlock.objects.count() == len(book[1])


def test_the_newest_snapshot_remains_however_little_is_kept(es, book, keep):
    keep(book_s=1)
    prune_all()
    with Journal([es]) as journal:
        assert journal.tail(es.pk, BLOCKS).seq == len(book[1])
    assert both_sides(book_at(es.pk).book) == naive_book(book[0]).both


def test_the_last_record_of_a_stream_remains(es):
    store_trades(es)
    assert prune(TRADES, es.pk, 10_000) == 599
    assert records.read(TRADES, es, 0, 600)["seq"].tolist() == [600]
    assert prune(QUOTES, es.pk + 1, 5) == 0


@pytest.mark.parametrize("at_once", [50, 1_000])
def test_audit_of_pruned_trades_and_their_candles(es, keep, monkeypatch, at_once):
    monkeypatch.setattr(pruning, "AT_ONCE", at_once)
    trades = store_trades(es)
    keep(trades_s=700)
    first = int(np.flatnonzero(trades["at"] <= trades["at"][-1] - 700_000_000)[-1])
    assert prune_all() == {TRADES.name: first}
    report = audit(es)
    assert report.violations == []
    assert (report.counts[TRADES.name], report.pruned[TRADES.name]) == (600 - first, first)
    assert report.counts["trade_candles"] > 5
    Trade.objects.filter(seq=first + 1).delete()
    assert f"ES: trades: seq {first} is followed by {first + 2}" in audit(es).violations


def test_a_candle_of_kept_trades_is_still_compared(es, keep):
    store_trades(es)
    keep(trades_s=700)
    prune_all()
    Trade.objects.filter(seq=500).update(lots=999)
    assert any("trade_candles: 1m of" in each for each in audit(es).violations)


def test_an_audit_accepts_what_is_pruned_while_it_reads(es, monkeypatch):
    store_trades(es)
    chunks = records.chunks

    def slow(*args, **options):
        """Prune beyond what was read after the first chunk."""
        for number, rows in enumerate(chunks(*args, size=100, **options)):
            yield rows
            if number == 0 and args[0] is TRADES:
                prune(TRADES, es.pk, 350)

    monkeypatch.setattr(records, "chunks", slow)
    report = audit(es)
    assert report.violations == []
    assert report.pruned[TRADES.name] == 350


def test_removed_rows_are_a_gap_on_the_stream(es):
    store_trades(es)
    prune(TRADES, es.pk, 150)
    gap, rows = KindStreams(TRADES).missed("ES", 100, 10_000).frames
    assert (gap["type"], gap["from_seq"], gap["to_seq"]) == ("gap", 101, 150)
    assert rows["data"][0][0] == 151
    (rows,) = KindStreams(TRADES).missed("ES", 150, 10_000).frames
    assert rows["data"][0][0] == 151


def damage(seq, **fields):
    assert BookBlock.objects.filter(seq=seq).update(**fields)


@pytest.mark.parametrize(
    ("spoil", "violation"),
    [
        (lambda: damage(25, data=b"\1\0"), "blocks 21 to 30: unreadable: block 5 of 10"),
        (lambda: damage(25, updates=9), "blocks 21 to 30: 100 updates, not 99"),
        (lambda: damage(1, is_snapshot=0), "block 1: the stream begins without a snapshot"),
        (lambda: damage(26, is_snapshot=1), "block 26: is_snapshot is wrong: 1"),
        (lambda: damage(25, at=BookBlock.objects.get(seq=24).at), "updates are out of order"),
        (
            lambda: damage(25, data=bytes(BookBlock.objects.get(seq=26).data)),
            "block 31: the snapshot differs from the updates before it",
        ),
        (
            lambda: damage(31, data=bytes(BookBlock.objects.get(seq=41).data)),
            "block 31: the snapshot differs from the updates before it",
        ),
    ],
)
def test_audit_finds_damaged_blocks(es, book, spoil, violation):
    assert audit(es).violations == []
    spoil()
    assert any(violation in each for each in audit(es).violations)


def test_the_command_reports_what_it_removed(es, book, keep, capsys):
    keep(book_s=KEPT_S)
    call_command("prune", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report == {"removed": {"book_blocks": len(book[1]) - BookBlock.objects.count()}}
    call_command("prune")
    assert capsys.readouterr().out == "removed nothing\n"


@pytest.mark.django_db(transaction=True)
def test_a_live_market_prunes_each_minute(keep, monkeypatch):
    monkeypatch.setattr(retention, "EVERY_S", 0.01)
    monkeypatch.setattr(companions, "_factories", [])
    retention.register()
    assert companions.companions(lambda frames: None) == []
    keep(trades_s=700)
    retention.register()
    (thread,) = companions.companions(lambda frames: None)
    assert isinstance(thread, RetentionThread)
    es = make_instrument("ES")
    store_trades(es)
    thread.start()
    stream = Stream.objects.filter(instrument=es, kind=TRADES.name)
    while not stream.get().pruned_seq:
        assert thread.is_alive()
        thread.join(0.01)
    thread.stop()
    assert not thread.is_alive()
    assert to_microseconds(START) < Trade.objects.order_by("seq")[0].at.timestamp() * 1e6
