import json
from decimal import Decimal

import numpy as np

from instruments.lattice import Lattice
from live.frames import REPLAY_ROWS, publications
from market.ticks import TICK
from quotes.kinds import QUOTES

LATTICE = Lattice(Decimal("0.25"))


def ticks(n):
    block = np.zeros(n, dtype=TICK)
    block["seq"] = np.arange(5, 5 + n)
    block["at"] = 1_767_225_600_000_000 + np.arange(n) * 1_000_000
    block["ticks"] = 20_001
    return block


def test_batch_is_one_frame_of_rows():
    (published,) = publications(QUOTES, "ES", LATTICE, ticks(2))
    assert (published["first_seq"], published["last_seq"]) == (5, 6)
    assert json.loads(published["text"]) == {
        "topic": "quotes.ES",
        "type": "ticks",
        "data": [[5, 1_767_225_600_000, 5000.25], [6, 1_767_225_601_000, 5000.25]],
    }


def test_oversized_batch_is_a_gap_and_the_newest_rows():
    gap, newest = publications(QUOTES, "ES", LATTICE, ticks(REPLAY_ROWS + 3))
    assert json.loads(gap["text"]) == {
        "topic": "quotes.ES",
        "type": "gap",
        "from_seq": 5,
        "to_seq": 7,
    }
    assert (gap["first_seq"], gap["last_seq"]) == (5, 7)
    assert (newest["first_seq"], newest["last_seq"]) == (8, REPLAY_ROWS + 7)
    assert len(newest["text"]) < 2**20
