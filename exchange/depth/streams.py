"""The topics book.SYMBOL and book.SYMBOL.DEPTH: what they publish and how they begin."""

from collections.abc import Iterable
from typing import Literal, TypedDict

from exchange.depth.blocks import decode_all
from exchange.depth.depthbook import DepthBook
from exchange.depth.history import StoredBook, book_at
from exchange.depth.images import DEPTHS, BookImage, Row, changed_rows, symbol_of
from exchange.engine.messages import BUY, SELL
from exchange.kinds import BLOCKS
from instruments.lattice import Lattice
from instruments.models import Instrument
from journal import streams
from live import images, makers, topics
from live.cutting import made
from live.frames import Publication
from market.kinds import Rows

TOPIC = "book"


class BookFrame(TypedDict):
    """A book, or the levels that changed: rows of price and total quantity, 0 for a level gone.

    `at`: epoch milliseconds; `at_us`: the same in microseconds. `prev_seq`: the seq of the frame
    before, 0 in a snapshot.
    """

    topic: str
    type: Literal["snapshot", "delta"]
    seq: int
    prev_seq: int
    at: int
    at_us: int
    bids: list[Row]
    asks: list[Row]


class StoredBooks:
    """The books that new subscribers begin with (live.images.Images)."""

    def whole(self, key: str) -> str:
        return symbol_of(key)

    def ends(self, keys: Iterable[str]) -> dict[str, int]:
        wanted = list(keys)
        return dict.fromkeys(wanted, 0) | streams.ends(BLOCKS, wanted)

    def read(self, key: str) -> BookImage:
        """Return the book after the last stored block; empty if there is none."""
        instrument = Instrument.objects.get(symbol=key)
        stored = book_at(instrument.pk) or StoredBook(DepthBook(), 0, 0)
        return BookImage(stored.book, instrument.lattice, stored.seq, stored.at)


def book_deltas(symbol: str, lattice: Lattice, blocks: Rows) -> list[Publication]:
    """Return what new blocks changed, as one delta."""
    updates = decode_all(blocks["data"].tolist(), blocks["at"]).updates
    first, last = int(blocks["seq"][0]), int(blocks["seq"][-1])
    frame: BookFrame = {
        "topic": f"{TOPIC}.{symbol}",
        "type": "delta",
        "seq": last,
        "prev_seq": first - 1,
        "at": int(blocks["at"][-1]) // 1000,
        "at_us": int(blocks["at"][-1]),
        "bids": changed_rows(updates, BUY, lattice),
        "asks": changed_rows(updates, SELL, lattice),
    }
    return [made(frame, first, last)]


def symbols_with_books() -> list[str]:
    instruments = Instrument.objects.filter(has_book=True).order_by("pk")
    return list(instruments.values_list("symbol", flat=True))


def register() -> None:
    """Register the topics; called once, when the app is ready."""
    depths = ", ".join(map(str, DEPTHS[:-1]))
    form = f"{TOPIC}.SYMBOL or {TOPIC}.SYMBOL.DEPTH (DEPTH {depths} or {DEPTHS[-1]})"
    topics.register(TOPIC, form, symbol_of, symbols_with_books)
    images.register(TOPIC, StoredBooks())
    makers.register(BLOCKS, book_deltas)
