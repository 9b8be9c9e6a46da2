"""The feed of Bybit over real sockets, from a venue that does what the test says."""

import asyncio
import contextlib
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from aiohttp import WSMsgType, web

from exchange.depth.recording import BlockWriter
from exchange.engine.messages import BUY, SELL
from exchange.kinds import BLOCKS, TRADES
from instruments.lattice import Lattice
from rig.waiting import PATIENCE_S
from venues.bybit.client import feed as bybit
from venues.bybit.client.addresses import Addresses
from venues.feeds import following
from venues.feeds.events import Contract
from venues.feeds.following import Follower
from venues.feeds.kinds import FEED_GAPS, VENUE_CANDLES, Cause, Of
from venues.feeds.recorder import Recorder
from venues.feeds.tape import Tape

AT_MS = 1_700_000_000_000
CONTRACT = Contract(
    symbol="BTCUSDT", lattice=Lattice(Decimal("0.1"), Decimal("0.001")), currency="USDT"
)
BOOK, TRADE = "orderbook.50.BTCUSDT", "publicTrade.BTCUSDT"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(following, "FIRST_PAUSE_S", 0.01)


class Venue:
    """A Bybit with one connection at a time."""

    def __init__(self):
        self.trades, self.messages = [], []
        self.status = 200
        self.connections = 0
        self.update = 0
        self._socket = None
        self._prices = {}

    def trade(self, number, ms, price="100.0"):
        self.trades.append((str(number), AT_MS + ms, price))

    async def send_trade(self, number, ms, price="100.0", *, times=1):
        self.trade(number, ms, price)
        row = {"i": str(number), "T": AT_MS + ms, "p": price, "v": "0.005", "S": "Buy"}
        for _ in range(times):
            await self.send(TRADE, "snapshot", [row])

    async def send_book(self, price, *, kind="delta", skip=0):
        self.update = 0 if kind == "snapshot" else self.update + skip
        self.update += 1
        data = {"b": [[price, "1"]], "a": [["200.0", "2"]], "u": self.update, "seq": 9}
        await self.send(BOOK, kind, data)

    async def send(self, topic, kind, data):
        newest = max((at for _, at, _ in self.trades), default=AT_MS)
        message = {"topic": topic, "type": kind, "ts": newest, "data": data}
        await self._socket.send_json(message)

    async def send_garbage(self, text):
        await self._socket.send_str(text)

    async def disconnect(self):
        await self._socket.close()

    async def follow(self, request):
        self._socket = socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                said = message.json()
                self.messages.append(said)
                await socket.send_json({"op": said["op"], "success": True, "ret_msg": "",
                                        "req_id": said.get("req_id", "")})  # fmt: skip
                if said["op"] == "subscribe" and BOOK in said["args"]:
                    await self.send_book("99.0", kind="snapshot")
        return socket

    async def recent(self, request):
        rows = [
            {"execId": number, "time": str(at), "price": price, "size": "0.005", "side": "Buy"}
            for number, at, price in self.trades[::-1]
        ]
        return self._answer(rows)

    async def kline(self, request):
        start = int(request.query.get("start", AT_MS - 120_000))
        rows = [[str(start), "100", "101", "99", "100", "1", "100"]]
        return self._answer(rows if start < AT_MS else [])

    def _answer(self, rows):
        body = {"retCode": 0, "retMsg": "OK", "result": {"list": rows}, "time": AT_MS + 1}
        return web.json_response(body, status=self.status) if self.status == 200 else web.Response(
            status=self.status
        )  # fmt: skip


@asynccontextmanager
async def served(venue):
    app = web.Application()
    app.router.add_get("/v5/public/linear", venue.follow)
    app.router.add_get("/v5/market/recent-trade", venue.recent)
    app.router.add_get("/v5/market/kline", venue.kline)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Recorded:
    """Everything that was put."""

    def __init__(self):
        self.bundles = []

    def put(self, bundle):
        self.bundles.append(bundle)
        return True

    def rows(self, kind, *names):
        found = [row for bundle in self.bundles for each in bundle if each.kind is kind
                 for row in each.rows]  # fmt: skip
        return [tuple(int(row[name]) for name in names) for row in found]

    async def reach(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def following_of(venue, known=()):
    """A follower of a venue, what it records, and the writer of its book."""
    recorded, blocks = Recorded(), BlockWriter(1)
    async with served(venue) as url, bybit.opener(Addresses.below(url))() as feed:
        recorder = Recorder(1, {}, blocks)
        follower = Follower(CONTRACT, recorder, Tape(known), recorded.put)
        task = asyncio.create_task(follower.run(feed, 50))
        try:
            yield recorded, blocks.book, follower
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def venue():
    venue = Venue()
    for number in range(3):
        venue.trade(number, number)
    return venue


async def test_the_past_comes_before_what_is_live_and_nothing_twice(venue):
    async with following_of(venue) as (recorded, book, _):
        await recorded.reach(lambda: recorded.rows(TRADES, "seq") and len(book))
        await venue.send_trade(3, 3, "101.0", times=2)
        await venue.send_trade(4, 4)
        await recorded.reach(lambda: len(recorded.rows(TRADES, "seq")) >= 5)
    at = [(AT_MS + ms) * 1_000 for ms in range(5)]
    assert recorded.rows(TRADES, "at", "ticks") == list(
        zip(at, [1000, 1000, 1000, 1010, 1000], strict=True)
    )
    assert recorded.rows(VENUE_CANDLES, "close") == [(1000,), (1000,)]
    assert not recorded.rows(FEED_GAPS, "seq")


async def test_a_skipped_delta_empties_the_book_which_is_read_again_and_the_gap_is_named(venue):
    async with following_of(venue) as (recorded, book, _):
        await recorded.reach(lambda: len(book))
        await venue.send_book("98.0")
        await venue.send_book("97.0", skip=1)
        await recorded.reach(lambda: recorded.rows(FEED_GAPS, "seq"))
        await recorded.reach(lambda: book.best(BUY) == 990)
        assert book.levels(SELL).lots.tolist() == [2000]
    assert venue.connections == 1
    topics = [(said["op"], said["args"]) for said in venue.messages]
    assert topics == [
        ("subscribe", [BOOK, TRADE]), ("unsubscribe", [BOOK]), ("subscribe", [BOOK]),
    ]  # fmt: skip
    assert recorded.rows(FEED_GAPS, "stream", "cause") == [(Of.BOOK, Cause.SKIPPED)]


async def test_after_a_disconnection_missed_trades_are_filled_and_only_the_book_has_a_gap(venue):
    async with following_of(venue) as (recorded, book, _):
        await recorded.reach(lambda: recorded.rows(TRADES, "seq") and len(book))
        venue.trade(3, 3)
        await venue.disconnect()
        await recorded.reach(lambda: len(recorded.rows(TRADES, "seq")) == 4)
        await recorded.reach(lambda: recorded.rows(FEED_GAPS, "seq"))
    assert venue.connections == 2
    assert recorded.rows(FEED_GAPS, "stream", "cause") == [(Of.BOOK, Cause.DISCONNECTED)]
    assert len(recorded.rows(BLOCKS, "seq")) == 3


async def test_what_is_no_message_of_the_venue_may_have_replaced_one(venue):
    async with following_of(venue) as (recorded, book, _):
        await recorded.reach(lambda: len(book))
        await venue.send_garbage('{"message":"ok"}')
        await recorded.reach(lambda: recorded.rows(FEED_GAPS, "seq"))
    assert venue.connections == 2
    assert recorded.rows(FEED_GAPS, "stream", "cause") == [(Of.BOOK, Cause.DISCONNECTED)]


async def test_trades_that_the_venue_no_longer_keeps_are_a_gap(venue):
    async with following_of(venue) as (recorded, _, follower):
        await recorded.reach(lambda: recorded.rows(TRADES, "seq"))
        venue.trades.clear()
        venue.trade(50, 50)
        await venue.disconnect()
        await recorded.reach(lambda: len(recorded.rows(TRADES, "seq")) == 4)
        await recorded.reach(lambda: follower.counts.gaps == 2)
    gaps = recorded.rows(FEED_GAPS, "stream", "cause", "began_at", "at")
    began, ended = (AT_MS + 2) * 1_000, (AT_MS + 50) * 1_000
    assert (Of.TRADES, Cause.DISCONNECTED, began, ended) in gaps


async def test_after_a_skipped_delta_missed_trades_are_filled_at_once(venue):
    async with following_of(venue) as (recorded, book, _):
        await recorded.reach(lambda: recorded.rows(TRADES, "seq") and len(book))
        venue.trade(3, 3)
        await venue.send_trade(4, 4)
        await venue.send_book("98.0", skip=1)
        await recorded.reach(lambda: len(recorded.rows(TRADES, "seq")) == 5)
        await recorded.reach(lambda: recorded.rows(FEED_GAPS, "seq"))
    assert recorded.rows(FEED_GAPS, "stream", "cause") == [(Of.BOOK, Cause.SKIPPED)]


@pytest.mark.parametrize("cause", [Cause.SKIPPED, Cause.DISCONNECTED])
async def test_a_back_fill_must_reach_back_over_trades_that_arrived_after_a_hole(venue, cause):
    async with following_of(venue) as (recorded, book, _):
        await recorded.reach(lambda: recorded.rows(TRADES, "seq") and len(book))
        venue.trades.clear()
        await venue.send_trade(51, 51)
        await recorded.reach(lambda: len(recorded.rows(TRADES, "seq")) == 4)
        if cause is Cause.SKIPPED:
            await venue.send_book("98.0", skip=1)
        else:
            await venue.disconnect()
        await recorded.reach(lambda: len(recorded.rows(FEED_GAPS, "seq")) == 2)
    gaps = recorded.rows(FEED_GAPS, "stream", "cause", "began_at", "at")
    assert (Of.TRADES, cause, (AT_MS + 2) * 1_000, (AT_MS + 51) * 1_000) in gaps


async def test_a_hole_that_is_not_filled_when_the_feed_stops_is_named(venue):
    async with following_of(venue) as (recorded, book, _):
        await recorded.reach(lambda: recorded.rows(TRADES, "seq") and len(book))
        venue.status = 503
        venue.trades.clear()
        await venue.send_trade(51, 51)
        await venue.send_book("98.0", skip=1)
        await recorded.reach(lambda: recorded.rows(FEED_GAPS, "seq"))
    gaps = recorded.rows(FEED_GAPS, "stream", "cause", "began_at", "at")
    assert (Of.TRADES, Cause.SKIPPED, (AT_MS + 2) * 1_000, (AT_MS + 51) * 1_000) in gaps


async def test_a_back_fill_that_is_refused_is_a_gap_and_live_trades_go_on(venue, monkeypatch):
    monkeypatch.setattr("venues.bybit.client.rest.ATTEMPTS", 1)
    monkeypatch.setattr(following, "ATTEMPTS", 1)
    async with following_of(venue) as (recorded, _, _):
        await recorded.reach(lambda: recorded.rows(TRADES, "seq"))
        venue.status = 503
        await venue.disconnect()
        await recorded.reach(lambda: venue.connections == 2 and len(venue.messages) == 2)
        await venue.send_trade(9, 9)
        await recorded.reach(lambda: len(recorded.rows(TRADES, "seq")) == 4)
    assert (Of.TRADES, Cause.REFUSED) in recorded.rows(FEED_GAPS, "stream", "cause")
