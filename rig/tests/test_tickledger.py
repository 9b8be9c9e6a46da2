"""The ledger reports each kind of broken stream, and the fault generator covers all faults."""

import random
from itertools import islice

import pytest

from rig.faults import KINDS, faults
from rig.tickledger import TickLedger


def ticks(*seqs):
    return {"type": "ticks", "data": [[seq, seq * 1000, 5000.25] for seq in seqs]}


GAP = {"type": "gap", "from_seq": 3, "to_seq": 6}


@pytest.mark.parametrize(
    ("frames", "complaints"),
    [
        ([ticks(1, 2), ticks(3), ticks(4, 5, 6, 7)], []),
        ([ticks(1, 2), GAP, ticks(7)], []),
        ([ticks(1, 2), ticks(4, 5, 6, 7)], ["no ticks or gap frame for seq 3-3"]),
        ([ticks(1, 2), ticks(2, 3, 4, 5, 6, 7)], ["1 duplicate ticks"]),
        ([ticks(1, 2, 3), GAP, ticks(7)], ["1 duplicate ticks"]),
        ([ticks(1, 2, 3)], ["ends at seq 3, the history at seq 7"]),
        ([ticks(1, 2, 3, 4, 5, 6, 7), {"type": "reset"}], ["1 reset frames"]),
    ],
)
def test_ledger_reports_violations(frames, complaints):
    ledger = TickLedger(0, {})
    for frame in frames:
        ledger.take(frame)
    assert ledger.complaints(7) == complaints


def test_ticks_that_differ_between_clients_are_reported():
    tape = {}
    first, second = TickLedger(0, tape), TickLedger(0, tape)
    first.take(ticks(1))
    second.take({"type": "ticks", "data": [[1, 1000, 5000.5]]})
    assert second.complaints(1) == ["1 ticks differ from those of other clients"]


def test_faults_cover_every_service_each_round_and_every_kind():
    services = ["PostgreSQL", "Redis", "web"]
    chosen = list(islice(faults(services, random.Random(1)), len(services) * len(KINDS)))
    pairs = {(fault.service, fault.kind) for fault in chosen}
    assert len(pairs) == len(chosen)
    assert {fault.service for fault in chosen[: len(services)]} == set(services)
    assert chosen == list(islice(faults(services, random.Random(1)), len(chosen)))
