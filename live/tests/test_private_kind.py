"""A kind with bytes that is not public: recorded and audited, but shown to no client."""

import numpy as np
import pytest
from django.db import connection

from archive import records
from archive.auditing import Check, audit
from archive.auditing import register as register_check
from journal.journal import Journal
from journal.storage import read_record
from live import makers, topics
from live.frames import publication
from live.streams import streams_of
from market import kinds
from market.kinds import AT, SEQ, Delivery, Kind, record_dtype
from rig.histories import make_instrument

PACKETS = Kind(
    name="packets",
    dtype=record_dtype(("head", object), ("size", np.int64), ("data", object)),
    table="packets",
    columns=(SEQ, AT),
    clock="monotone",
    public=False,
)
BYTES = {"sqlite": "BLOB", "postgresql": "BYTEA"}


@pytest.fixture
def es(db, monkeypatch):
    monkeypatch.setitem(kinds._kinds, PACKETS.name, PACKETS)
    kind = BYTES[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE packets (id BIGINT PRIMARY KEY, instrument_id BIGINT NOT NULL, "
            f"seq BIGINT NOT NULL, at BIGINT NOT NULL, size BIGINT NOT NULL, head {kind} NOT NULL, "
            f"data {kind} NOT NULL)"
        )
    return make_instrument("ES")


def packets(instrument, count):
    """Return records with 0 to `count` - 1 bytes of every value."""
    rows = np.empty(count, dtype=PACKETS.dtype)
    rows["instrument"] = instrument.pk
    rows["seq"] = rows["at"] = np.arange(1, count + 1)
    rows["size"] = np.arange(count)
    rows["head"] = [b"\0" * (n % 3) for n in range(count)]
    rows["data"] = [bytes(i % 256 for i in range(n)) for n in range(count)]
    return rows


def test_bytes_are_stored_and_read_back(es):
    stored = packets(es, 600)
    with Journal([es]) as journal:
        journal.append([Delivery(PACKETS, stored)])
    assert (records.read(PACKETS, es, 0, 600) == stored).all()
    assert (np.concatenate(list(records.chunks(PACKETS, es, 10, 590))) == stored[10:590]).all()
    assert (read_record(PACKETS, es.pk, 300) == stored[299:300]).all()
    (bare,) = records.chunks(PACKETS, es, 0, 600, with_bytes=False)
    assert bare["size"].tolist() == list(range(600))
    assert bare["data"].tolist() == [None] * 600


def test_checks_read_bytes_if_they_ask_for_them(es, monkeypatch):
    monkeypatch.setattr("archive.auditing._checks", {})
    with Journal([es]) as journal:
        journal.append([Delivery(PACKETS, packets(es, 5))])

    class LengthCheck(Check):
        reads_bytes = True

        def feed(self, rows):
            if [len(data) for data in rows["data"]] != rows["size"].tolist():
                self.report.note("a packet has the wrong size")

    register_check(PACKETS, LengthCheck)
    assert audit(es).violations == []
    with connection.cursor() as cursor:
        cursor.execute("UPDATE packets SET size = 9 WHERE seq = 2")
    assert audit(es).violations == ["ES: a packet has the wrong size"]


def test_private_kind_has_neither_topic_nor_url(es):
    assert PACKETS in kinds.kinds()
    assert PACKETS not in kinds.public_kinds()
    assert topics.split("packets.ES") is None
    assert "packets" not in topics.forms()
    assert streams_of("packets.ES") is None


def test_makers_publish_private_kind_on_their_own_topics(es, monkeypatch):
    monkeypatch.setattr("live.makers._makers", {})
    rows = packets(es, 3)
    assert makers.all_publications(PACKETS, "ES", es.lattice, rows) == []

    def sizes(symbol, lattice, rows):
        frame = {"topic": f"sizes.{symbol}", "type": "sizes", "data": rows["size"].tolist()}
        return [publication(frame, 1, 3)]

    makers.register(PACKETS, sizes)
    (made,) = makers.all_publications(PACKETS, "ES", es.lattice, rows)
    assert (made["topic"], made["last_seq"]) == ("sizes.ES", 3)
