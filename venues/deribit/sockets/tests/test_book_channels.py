"""Channels of books, fed with deltas: what a client holds after each message."""

import random
from decimal import Decimal

import orjson

from exchange.depth.depthbook import DepthBook
from exchange.depth.images import BookImage
from exchange.engine.messages import BUY, SELL
from instruments.lattice import Lattice
from instruments.models import Instrument
from live.boards import Board
from live.hub import fan_out
from venues.deribit.contracts import Contract
from venues.deribit.listed import Listed
from venues.deribit.sockets.books import Book, GroupedBook, Quote

NAME = "BTC-PERPETUAL"
LATTICE = Lattice(Decimal("0.5"))
SIDES = {"bids": BUY, "asks": SELL}


class Market:
    """A board whose book a test changes."""

    def __init__(self):
        contract = Contract(7, NAME, NAME, "BTC", "USD", LATTICE)
        self.listed = Listed(Instrument(pk=7, symbol=NAME), contract)
        self.board = Board(f"book.{NAME}", None, fan_out)
        self.board.image = BookImage(DepthBook(), LATTICE, 0, 0)

    def show(self, book):
        """Attach a publisher, as its `open` does."""
        book._book.attach(self.board, book)
        if isinstance(book, Book):
            book._shown.show(book.image.ladders)
            book._note()
        return book

    def change(self, bids=(), asks=()):
        image = self.board.image
        image.apply({"seq": image.seq + 1, "at_us": image.at + 5_000, "bids": bids, "asks": asks})
        for each in self.board.slices:
            each.extend(None, image.seq, 0.0)


class Client:
    """A subscriber that keeps a book, and checks that it missed no change."""

    def __init__(self, publisher):
        self.levels = {"bids": {}, "asks": {}}
        self.change_id, self.messages = None, []
        for publication in publisher.first():
            self.deliver(publication)
        publisher.subscribers.add(self)

    def deliver(self, publication):
        data = orjson.loads(publication["text"])["params"]["data"]
        self.messages.append(data)
        if "type" not in data:
            return
        assert (data["type"] == "snapshot") == (self.change_id is None)
        assert data.get("prev_change_id") == self.change_id
        self.change_id = data["change_id"]
        for name, levels in self.levels.items():
            for action, price, amount in data[name]:
                if action == "delete":
                    del levels[price]
                else:
                    assert (action == "change") == (price in levels)
                    levels[price] = amount

    def fail(self):
        raise AssertionError("the door disconnected a subscriber")


async def test_client_holds_the_book_after_each_message():
    market, rng = Market(), random.Random(1)
    market.change([(100.0, 1.0)], [(101.0, 1.0)])
    book = market.show(Book(f"book.{NAME}.raw", market.listed, 0.0))
    clients = [Client(book)]
    for step in range(200):
        bids = [(rng.randint(150, 200) / 2, float(rng.randint(0, 3)))]
        asks = [(rng.randint(202, 250) / 2, float(rng.randint(0, 3)))]
        market.change(bids, asks)
        if step == 100:
            clients.append(Client(book))  # continues where the others are
        for client in clients:
            assert client.levels == {
                name: dict(market.board.image.ladders[side].best(None))
                for name, side in SIDES.items()
            }
            assert client.messages[-1]["timestamp"] == client.messages[-1]["change_id"] * 5
    assert len(clients[0].messages) > 150


async def test_book_that_was_read_again_continues_without_a_gap():
    market = Market()
    market.change([(100.0, 1.0), (99.0, 2.0)], [(101.0, 1.0)])
    book = market.show(Book(f"book.{NAME}.raw", market.listed, 0.0))
    client = Client(book)
    again = BookImage(DepthBook(), LATTICE, 50, 250_000)
    again.apply({"seq": 50, "at_us": 250_000, "bids": [(100.0, 4.0)], "asks": [(102.0, 1.0)]})
    market.board.image = again
    book.replace(again, 50)
    assert client.levels == {"bids": {100.0: 4.0}, "asks": {102.0: 1.0}}
    assert client.change_id == 50


async def test_grouped_book_is_sent_whole_when_it_changes():
    market = Market()
    market.change([(100.0, 1.0), (99.5, 2.0)], [(101.0, 1.0)])
    client = Client(market.show(GroupedBook("g", market.listed, 0.0, "1", 10)))
    market.change([(42.0, 1.0)])
    market.change()
    assert [each["bids"] for each in client.messages] == [
        [[100.0, 1.0], [99.0, 2.0]],
        [[100.0, 1.0], [99.0, 2.0], [42.0, 1.0]],
    ]


async def test_quote_is_sent_when_the_best_level_changes():
    market = Market()
    market.change([(100.0, 1.0)], [])
    client = Client(market.show(Quote(f"quote.{NAME}", market.listed, 0.0)))
    market.change([(99.0, 1.0)])
    market.change([(100.0, 2.0)])
    assert [each["best_bid_amount"] for each in client.messages] == [1.0, 2.0]
    assert client.messages[0] == {
        "timestamp": 5, "instrument_name": NAME, "best_bid_price": 100.0, "best_bid_amount": 1.0,
        "best_ask_price": 0.0, "best_ask_amount": 0.0,
    }  # fmt: skip
