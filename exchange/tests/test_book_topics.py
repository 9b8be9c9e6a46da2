"""Topics of books through the hub: a snapshot, then deltas that lead to the stored book."""

import asyncio

import pytest
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import OperationalError

from exchange.depth.history import book_at
from exchange.depth.images import DEPTHS, level_rows
from exchange.depth.streams import StoredBooks
from exchange.engine.messages import BUY, SELL
from exchange.kinds import BLOCKS
from exchange.models import BookBlock
from journal.models import Stream
from live import makers, metrics, watch
from live.hub import current_hub
from live.protocol import ProtocolError
from live.tests.test_hub import Client, leave
from rig.books import blocks_of, make_updates, store
from rig.histories import make_instrument

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

STORED, ALL = 30, 60


class Replica(Client):
    """A client that keeps the book that its frames describe, as docs/live.md explains."""

    def __init__(self):
        super().__init__()
        self.seq = 0
        self.sides = {}
        self._applied = 0

    async def follow(self, topic):
        await self.feed.follow([topic], {})
        return self

    def update(self):
        """Apply the frames that have not been applied yet."""
        for frame in self.frames[self._applied :]:
            if frame["type"] == "snapshot":
                self.sides = {"bids": {}, "asks": {}}
            else:
                assert frame["prev_seq"] == self.seq, frame
            for name, side in self.sides.items():
                for price, quantity in frame[name]:
                    if quantity:
                        side[price] = quantity
                    else:
                        side.pop(price, None)
            self.seq = frame["seq"]
        self._applied = len(self.frames)

    @property
    def book(self):
        self.update()
        return tuple(
            [list(row) for row in sorted(self.sides[name].items(), reverse=name == "bids")]
            for name in ("bids", "asks")
        )

    async def reach(self, seq, kind=None):
        """Wait for a frame with this seq or a later one, of a kind if one is given."""
        async with asyncio.timeout(20):
            while not any(f["seq"] >= seq and kind in (None, f["type"]) for f in self.frames):
                self._came.clear()
                await self._came.wait()


class Market:
    """ES with STORED blocks in the database; more of ALL are stored and published on demand."""

    def __init__(self):
        self.instrument = make_instrument("ES")
        self.instrument.has_book = True
        self.instrument.save()
        self.updates = make_updates(ALL * 20)
        self.blocks = blocks_of(self.updates, self.instrument, (20,))
        store(self.instrument, self.blocks[:STORED])

    async def store(self, first, last):
        await database_sync_to_async(store)(self.instrument, self.blocks[first - 1 : last])

    async def publish(self, first, last):
        blocks = self.blocks[first - 1 : last]
        lattice = self.instrument.lattice
        for item in makers.all_publications(BLOCKS, "ES", lattice, blocks):
            await get_channel_layer().group_send("book.ES", item)

    async def go_on(self, first, last, step=1):
        for start in range(first, last + 1, step):
            end = min(start + step - 1, last)
            await self.store(start, end)
            await self.publish(start, end)

    def book(self, depth=None):
        """Return the stored book as clients see it."""
        return tuple(
            [
                list(row)
                for row in level_rows(self.stored.book, side, self.instrument.lattice, depth)
            ]
            for side in (BUY, SELL)
        )

    @property
    def stored(self):
        return book_at(self.instrument.pk)


@pytest.fixture
def market():
    return Market()


@pytest.fixture
def reads():
    before = metrics.READS._value.get()
    return lambda: metrics.READS._value.get() - before


def run(following):
    """Return the clients that `following` returns, after they left."""

    async def follow():
        clients = await following()
        await leave(clients)
        return clients

    return asyncio.run(follow())


def test_a_snapshot_then_deltas_lead_to_the_stored_book(market, reads):
    async def follow():
        clients = [await Replica().follow("book.ES") for _ in range(5)]
        await market.go_on(STORED + 1, ALL)
        for client in clients:
            await client.reach(ALL)
        return clients

    for client in run(follow):
        assert client.book == market.book()
        assert [frame["type"] for frame in client.frames] == [
            "snapshot",
            *["delta"] * (ALL - STORED),
        ]
        assert client.frames[0]["prev_seq"] == 0
        assert [frame["seq"] for frame in client.frames] == list(range(STORED, ALL + 1))
        assert client.frames[-1]["at"] == market.blocks["at"][-1] // 1000
    assert reads() == 1


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_topic_with_a_depth_shows_the_best_levels(market, reads, depth):
    async def follow():
        clients = [await Replica().follow(f"book.ES.{depth}") for _ in range(3)]
        whole = await Replica().follow("book.ES")
        await market.go_on(STORED + 1, ALL - 1)
        await whole.reach(ALL - 1)
        late = await Replica().follow(f"book.ES.{depth}")
        await market.go_on(ALL, ALL)
        await whole.reach(ALL)
        return [*clients, late, whole]

    *clients, late, whole = run(follow)
    for client in (*clients, late):
        assert client.book == market.book(depth)
        assert all(frame["topic"] == f"book.ES.{depth}" for frame in client.frames)
    assert whole.book == market.book()
    assert reads() == 1
    assert len(late.frames) <= 2
    assert sum(len(str(f)) for f in clients[0].frames) <= sum(len(str(f)) for f in whole.frames)


def test_levels_out_of_sight_send_nothing(market):
    async def follow():
        best, whole = await Replica().follow("book.ES.1"), await Replica().follow("book.ES")
        await market.go_on(STORED + 1, ALL)
        await whole.reach(ALL)
        return [best, whole]

    best, whole = run(follow)
    assert best.book == market.book(1)
    assert len(best.frames) < len(whole.frames)
    for frame in best.frames[1:]:
        assert frame["bids"] or frame["asks"]


def test_several_blocks_are_published_as_one_delta(market):
    async def follow():
        client = await Replica().follow("book.ES")
        await market.go_on(STORED + 1, ALL, step=10)
        await client.reach(ALL)
        return [client]

    (client,) = run(follow)
    assert [frame["seq"] for frame in client.frames] == [STORED, 40, 50, ALL]
    assert client.book == market.book()


def test_deltas_that_the_database_had_already_are_skipped_or_continued(market, reads):
    async def follow():
        client = await Replica().follow("book.ES")
        await market.publish(STORED - 5, STORED)
        await market.store(STORED + 1, ALL)
        await market.publish(STORED + 1, STORED + 2)
        await client.reach(STORED + 2)
        second = await Replica().follow("book.ES.200")
        await market.publish(STORED + 3, ALL)
        await client.reach(ALL)
        return [client, second]

    for client in run(follow):
        assert client.book == market.book()
    assert reads() == 1


def test_a_publication_that_begins_before_the_snapshot_follows_it(market):
    async def follow():
        await market.store(STORED + 1, STORED + 5)
        client = await Replica().follow("book.ES")
        await market.store(STORED + 6, ALL)
        await market.publish(STORED + 1, ALL)
        await client.reach(ALL)
        return [client]

    (client,) = run(follow)
    assert [frame["prev_seq"] for frame in client.frames] == [0, STORED + 5]
    assert client.book == market.book()


def test_a_hole_is_filled_with_a_new_snapshot_for_all(market, reads):
    async def follow():
        topics = ["book.ES", "book.ES", "book.ES.10"]
        clients = [await Replica().follow(topic) for topic in topics]
        await market.store(STORED + 1, ALL)
        await market.publish(STORED + 11, STORED + 12)
        for client in clients:
            await client.reach(ALL)
        return clients

    *whole, best = run(follow)
    for client in whole:
        assert [frame["type"] for frame in client.frames] == ["snapshot", "snapshot"]
        assert client.book == market.book()
    assert best.book == market.book(10)
    assert reads() == 2


def test_a_lost_publication_that_none_follows_is_found(market, monkeypatch):
    monkeypatch.setattr(watch, "BEAT_S", 0.02)

    async def follow():
        client = await Replica().follow("book.ES.50")
        await market.store(STORED + 1, STORED + 4)
        await client.reach(STORED + 4)
        return [client]

    (client,) = run(follow)
    assert client.book == market.book(50)


def test_a_restored_database_is_a_new_snapshot(market):
    async def restore(last):
        await database_sync_to_async(BookBlock.objects.filter(seq__gt=last).delete)()
        stream = Stream.objects.filter(kind=BLOCKS.name)
        await database_sync_to_async(stream.update)(last_seq=last)

    async def follow():
        client = await Replica().follow("book.ES")
        await market.go_on(STORED + 1, ALL)
        await client.reach(ALL)
        await restore(STORED + 5)
        await market.go_on(STORED + 6, STORED + 7)
        async with asyncio.timeout(20):
            while client.frames[-1]["seq"] != STORED + 7:
                await asyncio.sleep(0.01)
        return [client]

    (client,) = run(follow)
    assert client.book == market.book()
    assert "snapshot" in [frame["type"] for frame in client.frames[1:]]


def test_what_is_published_while_a_client_takes_the_snapshot_follows_it(market):
    """The client's connection is slow: its first send ends only after two more blocks."""

    class Slow(Replica):
        async def send(self, text):
            if not self.frames:
                await market.go_on(STORED + 1, STORED + 2)
                await quick.reach(STORED + 2)
            await super().send(text)

    async def follow():
        nonlocal quick
        quick = await Replica().follow("book.ES")
        slow = await Slow().follow("book.ES")
        return [quick, slow]

    quick = None
    _, slow = run(follow)
    assert [frame["type"] for frame in slow.frames] == ["snapshot", "delta", "delta"]
    assert slow.book == market.book()


def test_a_book_without_blocks_is_empty_until_the_first():
    async def follow():
        client = await Replica().follow("book.NQ.10")
        await database_sync_to_async(store)(instrument, blocks[:1])
        for item in makers.all_publications(BLOCKS, "NQ", instrument.lattice, blocks[:1]):
            await get_channel_layer().group_send("book.NQ", item)
        await client.reach(1)
        return [client]

    instrument = make_instrument("NQ")
    instrument.has_book = True
    instrument.save()
    blocks = blocks_of(make_updates(10), instrument)
    (client,) = run(follow)
    first, second = client.frames
    assert (first["type"], first["seq"], first["bids"]) == ("snapshot", 0, [])
    assert (second["type"], second["seq"], second["prev_seq"]) == ("delta", 1, 0)


def test_topics_of_books_are_those_of_instruments_with_a_book(market):
    make_instrument("NQ")

    async def resolve(name):
        return await Client().feed.resolve([name])

    assert async_to_sync(resolve)("book.*.10") == ["book.ES.10"]
    assert async_to_sync(resolve)("book.*") == ["book.ES"]
    for name, reason in {
        "book.NQ": "NQ has no book",
        "book.XX.10": "names no instrument",
        "book.ES.7": r"use book\.SYMBOL or book\.SYMBOL\.DEPTH \(DEPTH 1, 10, 50, 200 or 500\)",
    }.items():
        with pytest.raises(ProtocolError, match=reason):
            async_to_sync(resolve)(name)


def test_since_is_ignored_because_every_subscription_begins_with_a_snapshot(market):
    async def follow():
        client = Replica()
        await client.feed.follow(["book.ES"], {"book.ES": 3})
        return [client]

    (client,) = run(follow)
    assert [frame["type"] for frame in client.frames] == ["snapshot"]


def test_an_unavailable_database_refuses_the_subscription_and_a_later_one_works(
    market, monkeypatch
):
    def fail(self, key):
        raise OperationalError("away")

    async def follow():
        with monkeypatch.context() as patch:
            patch.setattr(StoredBooks, "read", fail)
            with pytest.raises(OperationalError):
                await Replica().follow("book.ES.10")
        assert current_hub().topics == []
        async with asyncio.timeout(20):  # the reader pauses after an error
            while True:
                try:
                    return [await Replica().follow("book.ES.10")]
                except OperationalError:
                    await asyncio.sleep(0.1)

    (client,) = run(follow)
    assert client.book == market.book(10)


def test_nothing_is_left_behind(market):
    async def follow():
        clients = [
            await Replica().follow(topic) for topic in ("book.ES.10", "book.ES", "book.ES.1")
        ]
        names = {topic.topic for topic in current_hub().topics}
        assert names == {"book.ES", "book.ES.10", "book.ES.1"}
        await leave(clients[:1])
        assert {topic.topic for topic in current_hub().topics} == {"book.ES", "book.ES.1"}
        await leave(clients[1:])
        assert current_hub().topics == []
        return []

    run(follow)
