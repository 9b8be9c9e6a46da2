"""What a subscriber of many topics has missed, as the database has it."""

import pytest

from live import catchup
from live.catchup import Missed, missed
from rig.histories import make_instrument, make_ticks, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def market():
    for symbol in ("ES", "NQ"):
        record(make_ticks(make_instrument(symbol), 30))
    make_instrument("NEW")


def seqs(found):
    return [row[0] for frame in found.frames for row in frame.get("data", [])]


@pytest.mark.usefixtures("market")
def test_each_symbol_gets_what_it_misses():
    found = missed({"ES": None, "NQ": 27, "NEW": None})
    assert seqs(found["ES"]) == [30]
    assert seqs(found["NQ"]) == [28, 29, 30]
    assert found["NEW"] == Missed([], 0)


@pytest.mark.usefixtures("market")
def test_who_has_all_gets_nothing_and_who_has_more_is_reset():
    found = missed({"ES": 30, "NQ": 31})
    assert found["ES"] == Missed([], 30)
    assert found["NQ"].frames == [{"topic": "quotes.NQ", "type": "reset", "last_seq": 30}]


@pytest.mark.usefixtures("market")
def test_one_reading_holds_a_bounded_number_of_ticks(monkeypatch):
    monkeypatch.setattr(catchup, "REPLAY_ROWS", 10)
    found = missed({"ES": 5, "NQ": 5})
    gap, _ = found["ES"].frames
    assert (gap["from_seq"], gap["to_seq"]) == (6, 20)
    assert seqs(found["ES"]) == list(range(21, 31))
    assert "NQ" not in found
