"""What a feed delivers becomes streams that the journal and the audit accept."""

import numpy as np
import pytest

from exchange.depth.blocks import decode_all
from exchange.depth.depthbook import DepthBook, book_of
from exchange.depth.recording import BlockWriter
from exchange.engine.messages import BUY, SELL
from exchange.kinds import BLOCKS, TRADES
from quotes.kinds import QUOTES
from venues.feeds.events import Level, Minute, Print
from venues.feeds.kinds import FEED_GAPS, VENUE_CANDLES, Cause, Of, check_gaps, check_minutes
from venues.feeds.recorder import End, Recorder
from venues.feeds.tape import REMEMBERED, Tape

MS = 1_000
AT = 1_700_000_000_000 * MS


def recorder(ends=None):
    return Recorder(7, ends or {}, BlockWriter(7))


def prints(*rows):
    return [Print(key, AT + ms * MS, ticks, 5, BUY) for key, ms, ticks in rows]


def book_after(*bundles):
    """Return the book that the blocks of bundles describe."""
    rows = np.concatenate([each.rows for bundle in bundles for each in bundle])
    levels, updates = decode_all(rows["data"].tolist(), rows["at"])
    return book_of(levels, updates)


def rows_of(book, side):
    return list(zip(*(part.tolist() for part in book.levels(side)), strict=True))


def test_trades_of_one_moment_are_one_slot_that_ends_at_their_last_price():
    trades, quotes = recorder().trades(prints((1, 0, 100), (2, 0, 101), (3, 5, 99)))
    assert (trades.kind, quotes.kind) == (TRADES, QUOTES)
    assert trades.rows["seq"].tolist() == [1, 2, 3]
    assert trades.rows["slot"].tolist() == [1, 1, 2]
    assert trades.rows["taker"].tolist() == [1, 2, 3]
    assert quotes.rows["ticks"].tolist() == [101, 99]
    assert quotes.rows["at"].tolist() == [AT, AT + 5 * MS]


def test_trades_in_the_moment_of_a_recorded_quote_or_before_get_the_next_moment():
    own = recorder()
    own.trades(prints((1, 5, 100)))
    trades, quotes = own.trades(prints((2, 5, 101), (3, 2, 102), (4, 6, 103)))
    assert trades.rows["at"].tolist() == [AT + 5 * MS + 1, AT + 5 * MS + 1, AT + 6 * MS]
    assert trades.rows["slot"].tolist() == [2, 2, 3]
    assert quotes.rows["at"].tolist() == [AT + 5 * MS + 1, AT + 6 * MS]


def test_streams_continue_where_they_ended():
    ends = {"trades": End(seq=9, at=AT), "quotes": End(seq=4, at=AT)}
    trades, quotes = recorder(ends).trades(prints((1, 0, 100)))
    assert (trades.rows["seq"][0], quotes.rows["seq"][0]) == (10, 5)
    assert quotes.rows["at"][0] == AT + 1


def test_a_snapshot_replaces_the_book_and_records_only_what_differs():
    own = recorder()
    first = own.snapshot(AT, [Level(BUY, 99, 5), Level(BUY, 98, 1), Level(SELL, 101, 7)])
    second = own.snapshot(AT + MS, [Level(BUY, 99, 5), Level(SELL, 101, 8), Level(SELL, 102, 1)])
    book = book_after(first, second)
    assert rows_of(book, BUY) == [(99, 5)]
    assert rows_of(book, SELL) == [(101, 8), (102, 1)]
    assert second[0].rows["updates"][0] == 3
    assert [bundle[0].kind for bundle in (first, second)] == [BLOCKS, BLOCKS]


def test_a_lost_book_is_empty_from_the_last_known_moment_on():
    own = recorder()
    first = own.snapshot(AT, [Level(BUY, 99, 5), Level(SELL, 101, 7)])
    gone = own.forget_book()
    assert book_after(first, gone).equals(DepthBook())
    assert gone[0].rows["at"][0] == AT
    assert own.forget_book() == ()


def test_times_of_a_book_do_not_go_back():
    own = recorder()
    own.snapshot(AT, [Level(BUY, 99, 5)])
    late = own.delta(AT - MS, [Level(BUY, 99, 6)])
    assert late[0].rows["at"][0] == AT


def test_gaps_name_their_stream_their_cause_and_their_span():
    ((kind, rows),) = recorder().gap(Of.BOOK, Cause.SKIPPED, AT, AT + 7)
    assert kind is FEED_GAPS
    row = rows[0]
    assert (row["began_at"], row["at"], row["stream"], row["cause"]) == (AT, AT + 7, 2, 3)
    check_gaps(rows)
    rows["began_at"] = AT + 8
    with pytest.raises(ValueError, match="after its end"):
        check_gaps(rows)


def test_candles_are_recorded_once():
    own = recorder()
    minutes = [Minute(AT + i * 60_000 * MS, 10, 12, 9, 11, 3) for i in range(3)]
    ((kind, rows),) = own.minutes(minutes[:2])
    assert kind is VENUE_CANDLES
    assert rows["seq"].tolist() == [1, 2]
    assert own.minutes(minutes)[0].rows["seq"].tolist() == [3]
    assert own.minutes(minutes) == ()
    rows["low"][1] = 12
    with pytest.raises(ValueError, match="candle 2 has"):
        check_minutes(rows)


def test_a_tape_lets_each_trade_pass_once():
    tape = Tape()
    first, second = prints((1, 0, 100)), prints((1, 0, 100), (2, 0, 101))
    assert tape.new(first) == first
    assert [each.key for each in tape.new(second)] == [2]


def test_a_back_fill_is_complete_if_it_reaches_a_known_trade():
    tape = Tape([(1, AT), (2, AT + MS)])
    joint = tape.join(prints((2, 1, 100), (3, 2, 101)))
    assert [each.key for each in joint.prints] == [3]
    assert joint.is_complete
    assert not tape.join(prints((8, 9, 100), (9, 10, 101))).is_complete


def test_a_back_fill_after_a_hole_is_complete_only_if_it_reaches_back_before_the_hole():
    tape, sure_until = Tape([(1, AT), (8, AT + 8 * MS)]), AT + MS
    assert not tape.join(prints((8, 8, 100), (9, 9, 101)), sure_until).is_complete
    assert tape.join(prints((1, 0, 100), (2, 1, 100), (8, 8, 100)), sure_until).is_complete


def test_the_first_back_fill_is_complete_and_older_trades_than_remembered_are_left_out():
    tape = Tape()
    assert tape.join(prints((5, 0, 100))) == (prints((5, 0, 100)), True)
    joint = tape.join(prints((4, -1, 100), (5, 0, 100), (6, 1, 100)))
    assert [each.key for each in joint.prints] == [6]


def test_a_tape_forgets_the_oldest():
    tape = Tape()
    tape.new(prints(*((key, key, 100) for key in range(1, REMEMBERED + 2))))
    assert [each.key for each in tape.new(prints((1, 1, 100), (2, 2, 100)))] == [1]
