"""Topics of books: a client that applies every message holds exactly the exchange's book."""

import asyncio
import json

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from exchange.depth.depthbook import DepthBook
from exchange.depth.followed import FollowedBooks
from exchange.depth.history import book_at
from exchange.engine.messages import BUY, SELL
from exchange.kinds import BLOCKS
from live import makers
from live.hub import current_hub
from rig.bookreplicas import BookReplica
from rig.books import blocks_of, make_updates, store
from rig.histories import make_instrument
from venues.bybit.numbers import book_rows
from venues.bybit.sockets import orderbooks
from venues.bybit.sockets.orderbooks import OrderBook
from venues.bybit.sockets.topicnames import DEPTHS
from venues.bybit.symbols import Symbol
from venues.doors.publishers import current_publishers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

STORED, ALL, SIZE = 20, 80, 25
NAME = "BTCUSDT"


class Client:
    """A subscriber that checks each message against the book at that moment."""

    def __init__(self, market, depth):
        self.replica = BookReplica()
        self.messages = []
        self._market, self._depth = market, depth

    @property
    def topic(self):
        return f"orderbook.{self._depth}.{NAME}"

    def deliver(self, publication):
        message = json.loads(publication["text"])
        self.messages.append(message)
        assert message["topic"] == self.topic
        self.replica.apply(message)
        assert self.replica.rows() == self._market.rows(self._depth, message["data"]["seq"])

    def fail(self):
        raise AssertionError("the door disconnected a subscriber")

    async def join(self):
        make = lambda: OrderBook(self.topic, self._depth, self._market.symbol)  # noqa: E731
        await current_publishers().open(self.topic, make)
        current_publishers().join(self.topic, self)
        return self

    async def leave(self):
        await current_publishers().leave(self.topic, self)

    async def reach(self, block):
        """Wait for the book after a block, or one that looks like it."""
        at = int(self._market.blocks["at"][block - 1])
        async with asyncio.timeout(20):
            while self.replica.rows() != self._market.rows(self._depth, at):
                await asyncio.sleep(0.005)


class Market:
    """BTCUSDT with STORED blocks in the database; more of ALL are stored and published."""

    def __init__(self, count=ALL):
        self.instrument = make_instrument(NAME, "0.10")
        self.instrument.has_book = True
        self.instrument.lot_size = "0.001"
        self.instrument.save()
        self.instrument.refresh_from_db()
        self.symbol = Symbol(self.instrument.pk, NAME, self.instrument.lattice)
        updates = make_updates(count * SIZE)
        self.blocks = blocks_of(updates, self.instrument, (SIZE,))
        self._books = {}
        book = DepthBook()
        for number in range(count):
            book.apply(updates[number * SIZE : (number + 1) * SIZE])
            at = int(self.blocks["at"][number])
            self._books[at] = {side: book.levels(side) for side in (BUY, SELL)}
        store(self.instrument, self.blocks[:STORED])

    def rows(self, depth, at):
        """Return the best levels after the block that ended at `at`, as Bybit writes them."""
        return tuple(
            [
                list(row)
                for row in book_rows(
                    self.symbol.lattice,
                    self._books[at][side].ticks[:depth].tolist(),
                    self._books[at][side].lots[:depth].tolist(),
                )
            ]
            for side in (BUY, SELL)
        )

    async def go_on(self, first, last, *, publish=True):
        for number in range(first, last + 1):
            block = self.blocks[number - 1 : number]
            await database_sync_to_async(store)(self.instrument, block)
            if publish:
                for item in makers.all_publications(BLOCKS, NAME, self.symbol.lattice, block):
                    if item["topic"].startswith("book."):
                        await get_channel_layer().group_send(item["topic"], item)


@pytest.fixture
def market():
    return Market()


@pytest.fixture
def at_once(monkeypatch):
    """Send a message for each change."""
    monkeypatch.setattr(orderbooks, "INTERVALS_S", dict.fromkeys(DEPTHS, 0.0))


def run(following):
    async def follow():
        clients = await following()
        for client in clients:
            await client.leave()
        assert not len(current_publishers())
        assert not current_hub().topics
        return clients

    return asyncio.run(follow())


async def all_depths(market):
    """Return clients of all depths after they have seen every block."""
    clients = [await Client(market, depth).join() for depth in DEPTHS]
    await market.go_on(STORED + 1, ALL)
    for client in clients:
        await client.reach(ALL)
    return clients


def test_every_message_leads_to_the_book_at_its_moment(market, at_once):
    for depth, client in zip(DEPTHS, run(lambda: all_depths(market)), strict=True):
        messages = client.messages
        kinds = [message["type"] for message in messages]
        assert kinds[0] == "snapshot"
        assert set(kinds[1:]) == {"snapshot" if depth == 1 else "delta"}
        assert [each["data"]["u"] for each in messages] == list(range(1, len(kinds) + 1))
        assert messages[-1]["cts"] == messages[-1]["data"]["seq"] // 1000
        assert len(kinds) > (5 if depth == 1 else (ALL - STORED) * 0.9)


def test_the_exchange_hears_that_a_book_is_followed_until_nobody_follows_it(market):
    key = market.instrument.pk

    async def follow():
        clients = [await Client(market, depth).join() for depth in (1, 50)]
        async with asyncio.timeout(60):
            while FollowedBooks().among([key]) != {key}:
                await asyncio.sleep(0.01)
        return clients

    async def followed_and_left():
        for client in (clients := await follow()):
            await client.leave()
        assert not current_publishers().close_books.keys
        return clients[:0]

    run(followed_and_left)


def test_changes_within_an_interval_are_one_message(market, monkeypatch):
    monkeypatch.setattr(orderbooks, "INTERVALS_S", dict.fromkeys(DEPTHS, 3600.0))

    async def follow():
        client = await Client(market, 50).join()
        whole = await Client(market, 1000).join()
        await market.go_on(STORED + 1, ALL - 1)
        monkeypatch.setattr(orderbooks, "INTERVALS_S", dict.fromkeys(DEPTHS, 0.0))
        late = await Client(market, 200).join()
        await market.go_on(ALL, ALL)
        await late.reach(ALL)
        return [client, whole, late]

    client, whole, late = run(follow)
    for each in (client, whole):
        assert [message["data"]["u"] for message in each.messages] == [1, 2]
    assert late.messages[0]["type"] == "snapshot"


def test_conflated_messages_lead_to_the_same_book(market):
    run(lambda: all_depths(market))


def test_a_late_subscriber_continues_what_the_others_hold(market, at_once):
    async def follow():
        early = await Client(market, 50).join()
        await market.go_on(STORED + 1, 40)
        await early.reach(40)
        late = await Client(market, 50).join()
        await market.go_on(41, ALL)
        await early.reach(ALL)
        await late.reach(ALL)
        return [early, late]

    early, late = run(follow)
    assert late.messages[0]["type"] == "snapshot"
    assert late.messages[0]["data"]["u"] > 1
    assert late.messages[1:] == early.messages[-len(late.messages) + 1 :]


def test_a_hole_restarts_the_numbers_with_a_snapshot(market, at_once):
    async def follow():
        client = await Client(market, 50).join()
        await market.go_on(STORED + 1, 40)
        await client.reach(40)
        await market.go_on(41, 50, publish=False)
        await market.go_on(51, ALL)
        await client.reach(ALL)
        return [client]

    (client,) = run(follow)
    assert client.replica.restarts == 1
    again = next(m for m in client.messages[1:] if m["type"] == "snapshot")
    assert again["data"]["u"] == 1


def test_the_best_levels_are_repeated_under_the_same_number(market, monkeypatch):
    monkeypatch.setattr(orderbooks, "REPEAT_S", 0.01)

    async def follow():
        client = await Client(market, 1).join()
        async with asyncio.timeout(20):
            while len(client.messages) < 4:
                await asyncio.sleep(0.005)
        return [client]

    (client,) = run(follow)
    assert {message["data"]["u"] for message in client.messages} == {1}
    assert {message["type"] for message in client.messages} == {"snapshot"}


def test_a_book_without_a_level_is_an_empty_snapshot(market, at_once):
    market.instrument.refresh_from_db()
    other = make_instrument("ETHUSDT", "0.01")
    other.has_book = True
    other.save()

    class Empty:
        messages = []

        def deliver(self, publication):
            self.messages.append(json.loads(publication["text"]))

        def fail(self):
            raise AssertionError

    async def follow():
        subscriber = Empty()
        symbol = Symbol(other.pk, "ETHUSDT", other.lattice)
        name = "orderbook.50.ETHUSDT"
        publishers = current_publishers()
        await publishers.open(name, lambda: OrderBook(name, 50, symbol))
        publishers.join(name, subscriber)
        await publishers.leave(name, subscriber)
        return subscriber

    (message,) = asyncio.run(follow()).messages
    assert (message["data"]["b"], message["data"]["a"], message["data"]["u"]) == ([], [], 1)
    assert book_at(other.pk) is None
