"""Order books of the Bybit door: how late they arrive, and that every message is exact.

    python -m benchmarks.bybitbook [--scenarios late exact] [--seconds 20]

late   100 clients follow orderbook.50 of 6 symbols at a door in a process of its own, beside the
       simulation and Redis. The lateness of a message is that of its arrival after `ts`, when
       the door made it, and after `cts`, the engine's time; of the latter the smallest is
       subtracted, because simulated time is a constant behind. Each client must see every `u`;
       1 begins again, after the door has missed a change of the book and read the book again
exact  100,000 messages of the five depths, each compared with the book at its moment, while clients
       reconnect, the door restarts and publications to it get lost
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from typing import Final

import numpy as np
import psutil

from benchmarks.harness import report
from exchange.depth.depthbook import DepthBook
from exchange.depth.images import BookImage
from exchange.depth.streams import book_deltas
from exchange.engine.messages import BUY, SELL
from instruments.lattice import Lattice
from instruments.models import Instrument
from live.boards import Board
from live.frames import Publication
from live.hub import fan_out
from rig import venues as rigged
from rig.bookreplicas import BookReplica
from rig.books import blocks_of, make_updates
from rig.spectators import Spectator, Spectators
from venues.bybit.numbers import book_rows
from venues.bybit.sockets import orderbooks
from venues.bybit.sockets.orderbooks import OrderBook
from venues.bybit.sockets.topicnames import DEPTHS
from venues.bybit.symbols import Symbol

Figures = dict[str, object]
CLIENTS: Final = 100
MORE_SYMBOLS: Final = ("XRPUSDT", "ADAUSDT", "DOGEUSDT")
INTERVAL_S: Final = 0.25
WARM_UP_S: Final = 5.0
MESSAGES: Final = 100_000
BLOCK: Final = 20
RECONNECT_EVERY: Final = 100
RESTART_EVERY: Final = 2_000
HOLE_EVERY: Final = 700
"""Changes of the book from one such event to the next."""


def late(seconds: float) -> Figures:
    """Measure how late changes of books reach many clients."""
    symbols = (*rigged.SYMBOLS, *MORE_SYMBOLS)
    with (
        rigged.market(INTERVAL_S, symbols=symbols) as env,
        rigged.door(env) as venue,
    ):
        rigged.wait_for_trades(venue)
        topics = [f"orderbook.50.{symbol}" for symbol in symbols]
        hello = json.dumps({"op": "subscribe", "args": topics}).encode()
        process = psutil.Process(venue.pid)
        with Spectators(path="/v5/public/linear") as spectators:
            spectators.connect(venue.port, CLIENTS, hello)
            spectators.run(WARM_UP_S)
            for each in spectators.all:
                each.received.clear()
            before = cpu_s(process)
            offset = time.time() - time.monotonic()
            spectators.run(seconds)
            used = (cpu_s(process) - before) / seconds
            found = [seen(each, offset) for each in spectators.all]
            lost = spectators.lost
    since_engine = np.concatenate([delays for delays, *_ in found])
    since_made = np.concatenate([delays for _, delays, *_ in found])
    return {
        "clients, symbols": f"{CLIENTS}, {len(symbols)}",
        "clients lost, messages missed": f"{lost}, {sum(holes for *_, holes, _ in found)}",
        "times that a client's book began again": sum(again for *_, again in found),
        "messages/s to all clients": round(len(since_made) / seconds),
        "messages/s per topic": round(len(since_made) / seconds / CLIENTS / len(symbols), 1),
        "ms after the engine's time, p50 and p99": percentiles(since_engine - since_engine.min()),
        "ms after the door made it, p50 and p99": percentiles(since_made),
        "door, cores": round(used, 2),
    }


def seen(client: Spectator, offset: float) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Return the delays of a client's messages in seconds, how many it missed, and restarts."""
    since_engine, since_made, holes, again = [], [], 0, 0
    updates: dict[str, int] = {}
    for at, text in client.received:
        message = json.loads(text)
        if "topic" not in message:
            continue
        topic, update = message["topic"], message["data"]["u"]
        if topic in updates and update != updates[topic] + 1:
            again += update == 1
            holes += update != 1
        updates[topic] = update
        arrived = (at + offset) * 1000
        since_engine.append(arrived - message["cts"])
        since_made.append(arrived - message["ts"])
    return np.array(since_engine) / 1000, np.array(since_made) / 1000, holes, again


def percentiles(delays: np.ndarray) -> str:
    p50, p99 = np.percentile(delays, [50, 99]) * 1000
    return f"{p50:.1f} and {p99:.1f}"


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


class Stored:
    """The book as the database has it (live.images.Images)."""

    def __init__(self, lattice: Lattice) -> None:
        self.book = DepthBook()
        self.seq = self.at = 0
        self._lattice = lattice

    def whole(self, key: str) -> str:
        return key

    def ends(self, keys: object) -> dict[str, int]:
        return {}

    def read(self, key: str) -> BookImage:
        return BookImage(self.book, self._lattice, self.seq, self.at)


class Reader:
    """A client that compares each message with the book."""

    def __init__(self, book: DepthBook, depth: int, lattice: Lattice) -> None:
        self.replica = BookReplica()
        self._book, self._depth, self._lattice = book, depth, lattice

    def deliver(self, publication: Publication) -> None:
        self.replica.apply(json.loads(publication["text"]))
        if self.replica.sides != {"b": self._levels(BUY), "a": self._levels(SELL)}:
            raise AssertionError(f"depth {self._depth}, u {self.replica.update}: another book")

    def fail(self) -> None:
        raise AssertionError("the copy of a client is not the book of the exchange")

    def _levels(self, side: int) -> dict[str, str]:
        ticks, lots = self._book.levels(side, self._depth)
        return dict(book_rows(self._lattice, ticks.tolist(), lots.tolist()))


class Door:
    """The topics of all depths, with a client each, and what becomes of both."""

    def __init__(self, stored: Stored, lattice: Lattice) -> None:
        self.messages: Counter[int] = Counter()
        """By depth, of clients that have left."""
        self.readers: dict[int, Reader] = {}
        self._stored, self._lattice = stored, lattice
        self._topics: dict[int, OrderBook] = {}

    async def start(self) -> None:
        self._board = Board("book.BTCUSDT", self._stored, fan_out)
        await self._board.open()
        for depth in DEPTHS:
            symbol = Symbol(1, "BTCUSDT", self._lattice)
            self._topics[depth] = OrderBook(f"orderbook.{depth}.BTCUSDT", depth, symbol)
            self._topics[depth].attach(self._board)
            self.connect(depth)

    async def stop(self) -> None:
        for topic in self._topics.values():
            await topic.close()
        self._board.close()

    def connect(self, depth: int) -> None:
        """Let a new client take the place of the one that follows a depth."""
        if (before := self.readers.get(depth)) is not None:
            self._topics[depth].subscribers.discard(before)
            self.messages[depth] += before.replica.messages
        reader = self.readers[depth] = Reader(self._stored.book, depth, self._lattice)
        for publication in self._topics[depth].first():
            reader.deliver(publication)
        self._topics[depth].subscribers.add(reader)

    async def publish(self, delta: Publication) -> None:
        """Publish a change; after a hole, wait until the book has been read again."""
        self._board.receive(delta)
        while self._board.end < delta["last_seq"]:
            await asyncio.sleep(0)

    def seen(self) -> Counter[int]:
        """Return the messages that clients have compared, by depth."""
        now = {depth: each.replica.messages for depth, each in self.readers.items()}
        return self.messages + Counter(now)


async def compared() -> Figures:
    """Compare MESSAGES messages with the book of the moment of each."""
    orderbooks.INTERVALS_S.update(dict.fromkeys(DEPTHS, 0.0))
    instrument = Instrument(pk=1, symbol="BTCUSDT", tick_size="0.1", lot_size="0.001")
    lattice = instrument.lattice
    stored = Stored(lattice)
    door = Door(stored, lattice)
    await door.start()
    updates = make_updates(MESSAGES // len(DEPTHS) * BLOCK * 11 // 10)
    blocks = blocks_of(updates, instrument, (BLOCK,))
    started = time.perf_counter()
    happened: Counter[str] = Counter()
    for number, block in enumerate(blocks):
        stored.book.apply(updates[number * BLOCK : (number + 1) * BLOCK])
        stored.seq, stored.at = int(block["seq"]), int(block["at"])
        if number % RESTART_EVERY == RESTART_EVERY - 1:
            await door.stop()
            await door.start()
            happened["restarts"] += 1
        elif number % HOLE_EVERY == HOLE_EVERY - 1:
            happened["publications lost"] += 1
            continue
        else:
            (delta,) = book_deltas("BTCUSDT", lattice, blocks[number : number + 1])
            await door.publish(delta)
        if number % RECONNECT_EVERY == RECONNECT_EVERY - 1:
            door.connect(DEPTHS[number // RECONNECT_EVERY % len(DEPTHS)])
            happened["reconnections"] += 1
        if door.seen().total() >= MESSAGES:
            break
    await door.stop()
    seen = door.seen()
    return {
        "messages compared": seen.total(),
        "of each depth": ", ".join(str(seen[depth]) for depth in DEPTHS),
        "reconnections, restarts, publications lost": ", ".join(
            str(happened[name]) for name in ("reconnections", "restarts", "publications lost")
        ),
        "differences": 0,
        "seconds": round(time.perf_counter() - started, 1),
    }


def exact(seconds: float) -> Figures:
    return asyncio.run(compared())


SCENARIOS = {"late": late, "exact": exact}


def main() -> None:
    parser = argparse.ArgumentParser(description="Order books of the Bybit door.")
    parser.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    figures: Figures = {}
    for name in options.scenarios:
        found = SCENARIOS[name](options.seconds)
        figures |= {f"{name}: {label}": value for label, value in found.items()}
    if len(options.scenarios) == len(SCENARIOS):
        report("bybitbook", figures)
    else:
        print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
