"""A kind that an app registers is recorded, streamed, served and audited without further code."""

import asyncio

import numpy as np
import pyarrow as pa
import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import connection
from django.test import override_settings
from django.urls import path

from archive.auditing import audit
from journal.journal import Journal, JournalError
from journal.streams import FencedError
from live.frames import publications
from live.tests.test_hub import Client
from market import kinds
from market.kinds import AT, SEQ, Column, Delivery, Kind, Unit, record_dtype
from quotes.http.tables import kind_view
from rig.histories import make_instrument

pytestmark = pytest.mark.django_db(transaction=True)


def check_lots(rows):
    if (rows["lots"] < 1).any():
        raise ValueError(f"a print of {rows['lots'].min()} lots: use at least 1")


PRINTS = Kind(
    name="prints",
    dtype=record_dtype(("ticks", np.int64), ("lots", np.int64)),
    table="prints",
    columns=(SEQ, AT, Column("price", "ticks", Unit.PRICE), Column("lots", "lots")),
    clock="monotone",
    check=check_lots,
)
TABLE = """CREATE TABLE prints (id BIGINT PRIMARY KEY, instrument_id BIGINT NOT NULL,
    seq BIGINT NOT NULL, at BIGINT NOT NULL, ticks BIGINT NOT NULL, lots BIGINT NOT NULL)"""
urlpatterns = [path("instruments/<str:symbol>/prints/", kind_view(PRINTS).as_view())]


@pytest.fixture
def es(monkeypatch):
    monkeypatch.setitem(kinds._kinds, PRINTS.name, PRINTS)
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
    yield make_instrument("ES")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE prints")


def prints(instrument, first, last):
    """Return records, two at a time with the same time."""
    seq = np.arange(first, last + 1)
    rows = np.empty(len(seq), dtype=PRINTS.dtype)
    rows["instrument"], rows["seq"], rows["at"] = instrument.pk, seq, 1_000_000 * (seq // 2)
    rows["ticks"], rows["lots"] = 20_000 + seq, seq % 7 + 1
    return rows


def store(instrument, first, last):
    with Journal([instrument]) as journal:
        journal.append([Delivery(PRINTS, prints(instrument, first, last))])


def test_new_kind_is_recorded_and_fenced(es):
    with Journal([es]) as journal:
        journal.append([Delivery(PRINTS, prints(es, 1, 4))])
        with pytest.raises(JournalError, match=r"prints\.ES: seq 9 follows 4"):
            journal.append([Delivery(PRINTS, prints(es, 9, 9))])
        bad = prints(es, 5, 5)
        bad["lots"] = 0
        with pytest.raises(JournalError, match="a print of 0 lots"):
            journal.append([Delivery(PRINTS, bad)])
        with connection.cursor() as cursor:
            cursor.execute("UPDATE journal_stream SET epoch = epoch + 1 WHERE kind = 'prints'")
        with pytest.raises(FencedError):
            journal.append([Delivery(PRINTS, prints(es, 5, 5))])


def test_topic_resumes_and_continues_live(es):
    store(es, 1, 5)

    async def follow():
        client = Client()
        await client.feed.follow(["prints.ES"], {"prints.ES": 2})
        await database_sync_to_async(store)(es, 6, 7)
        for item in publications(PRINTS, "ES", es.lattice, prints(es, 6, 7)):
            await get_channel_layer().group_send("prints.ES", item)
        await client.reach(7)
        await client.feed.close()
        return client

    client = asyncio.run(follow())
    assert client.seqs == [3, 4, 5, 6, 7]
    assert client.frames[0]["data"][0] == [3, 1_000, 5000.75, 4]


def test_new_kind_is_served_in_all_formats(es, client):
    store(es, 1, 5)
    with override_settings(ROOT_URLCONF=__name__):
        page = client.get("/instruments/ES/prints/", {"since_seq": 3}).json()
        csv = client.get("/instruments/ES/prints/", {"format": "csv"}).getvalue()
        arrow = client.get("/instruments/ES/prints/", {"format": "arrow"}).getvalue()
    assert page["columns"] == ["seq", "at", "price", "lots"]
    assert page["rows"] == [[4, 2_000, 5001.0, 5], [5, 2_000, 5001.25, 6]]
    assert csv.splitlines()[:2] == [b"seq,at,price,lots", b"1,0,5000.25,2"]
    assert pa.ipc.open_stream(arrow).read_all()["lots"].to_pylist() == [2, 3, 4, 5, 6]


def test_new_kind_is_audited(es):
    store(es, 1, 5)
    report = audit(es)
    assert (report.counts["prints"], report.violations) == (5, [])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM prints WHERE seq = 3")
    assert audit(es).violations == ["ES: prints: seq 2 is followed by 4"]
