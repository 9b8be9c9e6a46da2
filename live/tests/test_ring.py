"""The recent publications of a topic, and how they are cut and merged."""

import json

import pytest

from live import cutting
from live.backlog import Backlog
from live.ring import Ring


def rows(first, last):
    data = [(seq, seq * 1000, 1.0) for seq in range(first, last + 1)]
    return cutting.from_frame({"topic": "quotes.ES", "type": "ticks", "data": data})


def seqs(publications):
    return [row[0] for each in publications for row in json.loads(each["text"])["data"]]


def ring_of(*spans, **bounds):
    ring = Ring(**bounds)
    for first, last in spans:
        ring.append(rows(first, last))
    return ring


def test_resume_starts_inside_a_publication():
    ring = ring_of((11, 15), (16, 20))
    assert seqs(ring.after(13)) == list(range(14, 21))
    assert seqs(ring.after(10)) == list(range(11, 21))


def test_seq_before_the_ring_is_not_served_from_memory():
    assert ring_of((11, 15)).after(9) is None
    assert Ring().after(0) is None


def test_newest_row_is_served_alone():
    newest = ring_of((11, 15)).newest()
    assert seqs([newest]) == [15]
    assert (newest["first_seq"], newest["last_seq"]) == (15, 15)


@pytest.mark.parametrize(
    "bounds", [{"most_rows": 10}, {"most_bytes": 2 * len(rows(11, 15)["text"])}]
)
def test_oldest_publications_are_dropped_at_the_limit(bounds):
    ring = ring_of((11, 15), (16, 20), (21, 25), **bounds)
    assert ring.first_seq == 16
    assert ring.rows == 10


def test_publication_that_does_not_follow_replaces_the_ring():
    assert ring_of((11, 15), (17, 20)).first_seq == 17


def test_waiting_rows_are_merged_into_one_publication():
    (merged,) = cutting.merge([rows(1, 3), rows(4, 4), rows(5, 9)])
    assert seqs([merged]) == list(range(1, 10))
    assert (merged["first_seq"], merged["last_seq"]) == (1, 9)


def test_publications_separated_by_a_hole_are_not_merged():
    assert [each["first_seq"] for each in cutting.merge([rows(1, 3), rows(5, 9)])] == [1, 5]


def test_frames_without_rows_are_not_merged():
    states = [
        cutting.from_frame({"topic": "status.ES", "type": "status", "state": state})
        for state in ("live", "stopped")
    ]
    assert cutting.merge(states) == states


def test_gap_is_shortened_to_its_missing_seqs():
    frame = json.loads(cutting.after(cutting.gap("quotes.ES", 5, 9), 6)["text"])
    assert (frame["from_seq"], frame["to_seq"]) == (7, 9)


def test_full_backlog_keeps_the_newest_rows_of_a_topic_and_counts_dropped_ones():
    backlog = Backlog(most_bytes=3 * len(rows(11, 15)["text"]))
    for first in (11, 16, 21, 26):
        backlog.add(rows(first, first + 4))
    assert seqs(backlog.take()) == list(range(26, 31))
    assert backlog.dropped == 3
    assert not backlog
