"""Subscribers of one process: shared reads, and the frames of each."""

import asyncio
import json

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import connection

from journal.models import Stream
from live import cutting, metrics, tape, watch
from live.clientfeed import ClientFeed
from live.frames import REPLAY_ROWS, publications
from live.hub import current_hub
from live.streams import KindStreams
from quotes.kinds import QUOTES
from quotes.models import Quote
from rig.histories import make_instrument, make_ticks, record

pytestmark = pytest.mark.django_db(transaction=True)

STORED, ALL = 30, 60


class Client:
    """A feed and what it sent."""

    def __init__(self, fails=False):
        self.frames = []
        self.failed = False
        self._fails = fails
        self._came = asyncio.Event()
        self.feed = ClientFeed(current_hub(), self.send, self.offer, self.fail)

    async def send(self, text):
        self.frames.append(json.loads(text))
        self._came.set()

    def offer(self, publication):
        if self._fails:
            raise ZeroDivisionError("a defect")
        self.frames.append(json.loads(publication["text"]))
        self._came.set()

    def fail(self):
        self.failed = True

    @property
    def seqs(self):
        return [row[0] for frame in self.frames for row in frame.get("data", [])]

    async def reach(self, seq):
        async with asyncio.timeout(20):
            while not self.seqs or self.seqs[-1] < seq:
                self._came.clear()
                await self._came.wait()


class Market:
    """ES with STORED ticks in the database; more of ALL are stored and published on demand."""

    def __init__(self):
        self.instrument = make_instrument("ES")
        self.ticks = make_ticks(self.instrument, ALL)
        record(self.ticks[:STORED])

    async def store(self, first, last):
        await database_sync_to_async(record)(self.ticks[first - 1 : last])

    async def publish(self, first, last):
        ticks = self.ticks[first - 1 : last]
        for item in publications(QUOTES, "ES", self.instrument.lattice, ticks):
            await get_channel_layer().group_send("quotes.ES", item)

    async def forget_after(self, last):
        """Go back to an earlier state of the database, as a restored backup does."""
        await database_sync_to_async(Quote.objects.filter(seq__gt=last).delete)()
        stream = Stream.objects.filter(kind=QUOTES.name)
        await database_sync_to_async(stream.update)(last_seq=last)


@pytest.fixture
def market():
    return Market()


@pytest.fixture
def reads():
    """Return a function that counts the stream reads since the start of the test."""
    before = metrics.READS._value.get()
    return lambda: metrics.READS._value.get() - before


async def followers(count, since=None):
    clients = [Client() for _ in range(count)]
    await asyncio.gather(*(client.feed.follow(["quotes.ES"], since or {}) for client in clients))
    return clients


async def leave(clients):
    for client in clients:
        await client.feed.close()


def test_two_hundred_subscribers_share_one_read(market, reads, django_assert_max_num_queries):
    async def run():
        clients = await followers(200)
        await leave(clients)
        return clients

    with django_assert_max_num_queries(0, connection=connection):  # none on the event loop
        clients = asyncio.run(run())
    assert all(client.seqs == [STORED] for client in clients)
    assert reads() == 1


def test_two_hundred_resumes_share_one_read_per_earlier_seq(market, reads):
    async def run():
        sinces = [20, 10, 25, 15, 5] * 40
        clients = [Client() for _ in sinces]
        pairs = zip(clients, sinces, strict=True)
        await asyncio.gather(*(c.feed.follow(["quotes.ES"], {"quotes.ES": s}) for c, s in pairs))
        await leave(clients)
        return zip(clients, sinces, strict=True)

    for client, since in asyncio.run(run()):
        assert client.seqs == list(range(since + 1, STORED + 1))
    assert reads() <= 4


def test_publication_covered_by_a_read_is_dropped_without_another(market, reads):
    async def run():
        (client,) = await followers(1)
        await market.store(STORED + 1, ALL)
        await market.publish(21, STORED)
        await market.publish(STORED + 1, STORED + 5)
        await client.reach(STORED + 5)
        await leave([client])
        return client.seqs

    assert asyncio.run(run()) == list(range(STORED, STORED + 6))
    assert reads() == 1


def test_earlier_publications_are_served_from_memory(market, reads):
    async def run():
        (first,) = await followers(1)
        await market.store(STORED + 1, ALL)
        await market.publish(STORED + 1, ALL)
        await first.reach(ALL)
        late = await followers(100, {"quotes.ES": 40})
        await leave([first, *late])
        return late

    assert all(client.seqs == list(range(41, ALL + 1)) for client in asyncio.run(run()))
    assert reads() == 1


def test_hole_is_filled_by_one_read_for_all_subscribers(market, reads):
    async def run():
        clients = await followers(50)
        await market.store(STORED + 1, ALL)
        await market.publish(STORED + 11, ALL)
        for client in clients:
            await client.reach(ALL)
        await leave(clients)
        return clients

    assert all(client.seqs == list(range(STORED, ALL + 1)) for client in asyncio.run(run()))
    assert reads() == 2


def test_resume_beyond_the_replay_limit_is_a_gap(market, monkeypatch):
    async def run():
        (client,) = await followers(1, {"quotes.ES": 3})
        await leave([client])
        return client.frames

    monkeypatch.setattr(tape, "REPLAY_ROWS", 10)
    gap, ticks = asyncio.run(run())
    assert (gap["type"], gap["from_seq"], gap["to_seq"]) == ("gap", 4, 20)
    assert [row[0] for row in ticks["data"]] == list(range(21, STORED + 1))
    assert REPLAY_ROWS > STORED


def test_lower_seqs_of_a_restored_database_cause_a_reset(market):
    async def run():
        (client,) = await followers(1)
        await market.store(STORED + 1, ALL)
        await market.publish(STORED + 1, ALL)
        await client.reach(ALL)
        await market.forget_after(STORED + 5)
        await market.publish(STORED + 1, STORED + 2)
        async with asyncio.timeout(20):
            while client.frames[-1]["type"] != "ticks" or client.seqs[-1] != STORED + 2:
                await asyncio.sleep(0.01)
        await leave([client])
        return client.frames

    *_, reset, ticks = asyncio.run(run())
    assert (reset["type"], reset["last_seq"]) == ("reset", STORED)
    assert [row[0] for row in ticks["data"]] == [STORED + 1, STORED + 2]


def test_restored_database_causes_a_reset_without_a_publication(market, monkeypatch):
    monkeypatch.setattr(watch, "BEAT_S", 0.02)

    async def run():
        (client,) = await followers(1)
        await market.forget_after(STORED - 5)
        async with asyncio.timeout(20):
            while client.frames[-1]["type"] != "reset":
                await asyncio.sleep(0.01)
        await leave([client])
        return client.frames[-1]

    assert asyncio.run(run())["last_seq"] == STORED - 5


def test_client_ahead_of_this_process_is_not_reset(market):
    """The client saw the newest rows on another process, before they were published here."""

    async def run():
        (first,) = await followers(1)
        await market.store(STORED + 1, STORED + 3)
        (ahead,) = await followers(1, {"quotes.ES": STORED + 3})
        await market.publish(STORED + 1, STORED + 3)
        await market.store(STORED + 4, STORED + 4)
        await market.publish(STORED + 4, STORED + 4)
        await ahead.reach(STORED + 4)
        await leave([first, ahead])
        return first.seqs, ahead.frames

    seqs, frames = asyncio.run(run())
    assert seqs == list(range(STORED, STORED + 5))
    (ticks,) = frames
    assert [row[0] for row in ticks["data"]] == [STORED + 4]


def test_exception_in_a_subscriber_is_logged_and_closes_only_that_one(market, caplog):
    async def run():
        sound, broken = Client(), Client(fails=True)
        for client in (sound, broken):
            await client.feed.follow(["quotes.ES"], {})
        await market.store(STORED + 1, ALL)
        await market.publish(STORED + 1, STORED + 1)
        await market.publish(STORED + 2, STORED + 2)
        await sound.reach(STORED + 2)
        await leave([sound, broken])
        return sound, broken

    sound, broken = asyncio.run(run())
    assert sound.seqs == [STORED, STORED + 1, STORED + 2]
    assert (sound.failed, broken.failed) == (False, True)
    (error,) = [each.msg for each in caplog.records if each.levelname == "ERROR"]
    assert (error["event"], error["exc_info"]) == ("delivery failed", True)


def test_stored_quotes_are_a_sequenced_kind(market):
    streams = KindStreams(QUOTES)
    assert streams.ends(["ES", "NONE"]) == {"ES": STORED, "NONE": 0}
    assert streams.missed("ES", STORED, 10).frames == []
    (reset,) = streams.missed("ES", STORED + 1, 10).frames
    assert reset == {"topic": "quotes.ES", "type": "reset", "last_seq": STORED}
    gap, ticks = streams.missed("ES", 0, 10).frames
    assert (gap["from_seq"], gap["to_seq"]) == (1, 20)
    assert cutting.from_frame(ticks)["first_seq"] == 21
