"""The proof of the fault tool finds what is wrong: a ledger of each kind of broken stream."""

import random
from itertools import islice

import pytest

from benchmarks.faults import TROUBLES, faults
from rig.ledger import Ledger


def ticks(*seqs):
    return {"type": "ticks", "data": [[seq, seq * 1000, 5000.25] for seq in seqs]}


GAP = {"type": "gap", "from_seq": 3, "to_seq": 6}


@pytest.mark.parametrize(
    ("frames", "complaints"),
    [
        ([ticks(1, 2), ticks(3), ticks(4, 5, 6, 7)], []),
        ([ticks(1, 2), GAP, ticks(7)], []),
        ([ticks(1, 2), ticks(4, 5, 6, 7)], ["was not told of 3-3"]),
        ([ticks(1, 2), ticks(2, 3, 4, 5, 6, 7)], ["1 ticks came twice"]),
        ([ticks(1, 2, 3), GAP, ticks(7)], ["1 ticks came twice"]),
        ([ticks(1, 2, 3)], ["ends at 3, the history at 7"]),
        ([ticks(1, 2, 3, 4, 5, 6, 7), {"type": "reset"}], ["1 times told of another epoch"]),
    ],
)
def test_a_ledger_finds(frames, complaints):
    ledger = Ledger(0, {})
    for frame in frames:
        ledger.take(frame)
    assert ledger.complaints(7) == complaints


def test_a_tick_that_two_clients_see_differently_is_found():
    tape = {}
    first, second = Ledger(0, tape), Ledger(0, tape)
    first.take(ticks(1))
    second.take({"type": "ticks", "data": [[1, 1000, 5000.5]]})
    assert second.complaints(1) == ["1 ticks differ from what others saw"]


def test_faults_reach_every_part_each_round_and_every_trouble_in_turn():
    parts = ["PostgreSQL", "Redis", "web"]
    chosen = list(islice(faults(parts, random.Random(1)), len(parts) * len(TROUBLES)))
    pairs = {(fault.part, fault.trouble) for fault in chosen}
    assert len(pairs) == len(chosen)
    assert {fault.part for fault in chosen[: len(parts)]} == set(parts)
    assert chosen == list(islice(faults(parts, random.Random(1)), len(chosen)))
