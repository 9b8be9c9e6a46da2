"""Topics of clusters through the hub: closed clusters once each, the open one as it changes."""

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.core.cache import caches
from django.test import Client as HttpClient
from pytest_django.fixtures import Settings

from exchange.kinds import TRADES
from instruments.models import Instrument
from journal.models import Stream
from live import makers, watch
from live.hub import current_hub
from live.protocol import ProtocolError
from live.tests.test_hub import Client, leave
from market.kinds import Rows
from market.timeframes import TIMEFRAMES
from orderflow.models import Cluster
from orderflow.tests.naive import random_trades
from orderflow.tests.recorded import make_traded, store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

N, STORED = 400, 250


class Chart(Client):
    """A client that keeps clusters by the time at which they opened, as docs/orderflow.md says."""

    async def follow(self, topic: str, since: int | None = None) -> "Chart":
        await self.feed.follow([topic], {} if since is None else {topic: since})
        return self

    @property
    def closed(self) -> list[list[Any]]:
        frames = [frame for frame in self.frames if frame["type"] == "clusters"]
        return [row for frame in frames for row in frame["data"]]

    @property
    def opens(self) -> list[list[Any]]:
        return [frame["data"] for frame in self.frames if frame["type"] == "open"]

    @property
    def clusters(self) -> dict[int, list[Any]]:
        kept: dict[int, list[Any]] = {}
        for frame in self.frames:
            is_open = frame["type"] == "open"
            rows = [frame["data"]] if is_open else [row[1:] for row in frame["data"]]
            kept |= {row[0]: row for row in rows}
        return kept

    async def reach_trade(self, seq: int) -> "Chart":
        """Wait until a frame contains a trade."""
        async with asyncio.timeout(30):
            while not any(row[-1] >= seq for row in self.opens):
                self._came.clear()
                await self._came.wait()
        return self


class Market:
    """ES with STORED trades in the database; more of N are stored and published on demand."""

    def __init__(self) -> None:
        caches["clusters"].clear()
        self.instrument: Instrument = make_traded()
        self.trades: Rows = random_trades(np.random.default_rng(7), N, pause_s=15)
        self.trades["instrument"] = self.instrument.pk
        store(self.instrument, self.trades[:STORED])

    async def store(self, first: int, last: int) -> None:
        trades = self.trades[first - 1 : last]
        await database_sync_to_async(store)(self.instrument, trades, 1)

    async def publish(self, first: int, last: int) -> None:
        trades, lattice = self.trades[first - 1 : last], self.instrument.lattice
        for item in makers.all_publications(TRADES, "ES", lattice, trades):
            await get_channel_layer().group_send(item["topic"], item)

    async def go_on(self, first: int, last: int, step: int = 1) -> None:
        for start in range(first, last + 1, step):
            end = min(start + step - 1, last)
            await self.store(start, end)
            await self.publish(start, end)
            await asyncio.sleep(0)

    def rows(self, step: str | int = "auto", timeframe: str = "1m") -> list[list[Any]]:
        query = {"step": step, "timeframe": timeframe, "limit": "all"}
        response = HttpClient().get("/api/v1/instruments/ES/footprint/", query)
        rows: list[list[Any]] = response.json()["rows"]
        return rows


@pytest.fixture
def market(settings: Settings) -> Market:
    settings.FOOTPRINT_PUSH_MS = 1
    return Market()


def run(following: Any) -> list[Chart]:
    """Return the clients that `following` returns, after they left."""

    async def follow() -> list[Chart]:
        clients: list[Chart] = await following()
        await leave(clients)
        return clients

    return asyncio.run(follow())


def numbered(rows: list[list[Any]]) -> list[list[Any]]:
    return [[i, *row] for i, row in enumerate(rows, 1)]


@pytest.mark.parametrize("topic", ["footprint.ES.1m", "footprint.ES.1m.3", "footprint.ES.15m"])
def test_a_chart_of_frames_equals_the_api(market: Market, topic: str) -> None:
    async def follow() -> list[Chart]:
        early = await Chart().follow(topic)
        await market.go_on(STORED + 1, 330, step=7)
        await early.reach_trade(330)
        late = await Chart().follow(topic, since=0)
        await market.go_on(331, N, step=3)
        return [await early.reach_trade(N), await late.reach_trade(N)]

    early, late = run(follow)
    _, _, timeframe, *step = topic.split(".")
    rows = market.rows(step[0] if step else "auto", timeframe)
    closed = numbered(rows[:-1])
    first = early.closed[0][0]
    assert early.closed == closed[first - 1 :]  # the newest first, then each once
    assert late.closed == closed
    assert early.opens[-1] == late.opens[-1] == rows[-1]
    assert list(early.clusters.values()) == rows[first - 1 :]
    assert list(late.clusters.values()) == rows


def test_new_subscribers_get_the_newest_closed_cluster_and_the_open_one(market: Market) -> None:
    rows = market.rows()

    async def follow() -> list[Chart]:
        return [await Chart().follow("footprint.ES.1m") for _ in range(2)]

    for client in run(follow):
        assert client.closed == numbered(rows)[-2:-1]
        assert client.opens == rows[-1:]


def test_closed_clusters_resume(market: Market) -> None:
    closed = numbered(market.rows()[:-1])

    async def follow() -> list[Chart]:
        return [await Chart().follow("footprint.ES.1m", since) for since in (5, len(closed), 9_999)]

    some, none, ahead = run(follow)
    assert some.closed == closed[5:]
    assert none.closed == []
    assert ahead.frames[0] == {
        "topic": "footprint.ES.1m", "type": "reset", "last_seq": len(closed),
    }  # fmt: skip


def test_open_clusters_are_pushed_only_when_due_or_when_the_price_moved(
    market: Market, settings: Settings
) -> None:
    settings.FOOTPRINT_PUSH_MS = 3_600_000
    settings.FOOTPRINT_PUSH_ROWS = 5
    trades = market.trades
    trades["at"][STORED:] = trades["at"][STORED - 1]  # none closes the candle
    trades["ticks"][STORED:] = trades["ticks"][STORED - 1]
    moves = [STORED + 40, STORED + 90]
    for seq in moves:
        trades["ticks"][seq - 1 :] += 5

    async def follow() -> list[Chart]:
        chart = await Chart().follow("footprint.ES.1m.1")
        await market.go_on(STORED + 1, N, step=10)
        chart = await chart.reach_trade(moves[-1])
        return [chart, await Chart().follow("footprint.ES.1m.1")]

    chart, late = run(follow)
    assert [row[-1] for row in chart.opens] == [STORED, *moves]
    assert late.opens[0][-1] >= moves[-1]


@pytest.mark.both_databases
def test_lost_publications_are_read_from_the_database(market: Market) -> None:
    async def follow() -> list[Chart]:
        chart = await Chart().follow("footprint.ES.1m")
        await market.go_on(STORED + 1, 300, step=5)
        await chart.reach_trade(300)
        await market.store(301, 370)  # never published
        await market.store(371, N)
        await market.publish(371, N)
        return [await chart.reach_trade(N)]

    (chart,) = run(follow)
    rows = market.rows()
    first = chart.closed[0][0]
    assert chart.closed == numbered(rows[:-1])[first - 1 :]
    assert chart.opens[-1] == rows[-1]


def test_a_restored_database_resets_the_topic(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "BEAT_S", 0.02)
    closed = len(market.rows()) - 1

    def restore() -> None:
        """Go back by ten trades and the clusters that they closed."""
        end = STORED - 60
        market.instrument.trades.filter(seq__gt=end).delete()
        minute = int(market.trades["at"][end - 1]) // 60_000_000 * 60_000_000
        Cluster.objects.filter(last_seq__gt=end).delete()
        market.instrument.trade_candles.filter(last_seq__gt=end).delete()
        Cluster.objects.filter(opened_at__gte=minute).delete()
        Stream.objects.filter(instrument=market.instrument, kind="trades").update(last_seq=end)

    async def follow() -> list[Chart]:
        chart = await Chart().follow("footprint.ES.1m")
        await database_sync_to_async(restore)()
        async with asyncio.timeout(30):
            while not any(frame["type"] == "reset" for frame in chart.frames):
                chart._came.clear()
                await chart._came.wait()
        return [chart]

    (chart,) = run(follow)
    last = Cluster.objects.filter(timeframe=60).count()
    resets = [frame for frame in chart.frames if frame["type"] == "reset"]
    assert resets[0]["last_seq"] == last < closed


def test_topics_that_do_not_exist_are_refused(market: Market) -> None:
    async def resolve(name: str) -> list[str]:
        return await current_hub().symbols.expand([name])

    for name in ("footprint.ES", "footprint.ES.2m", "footprint.ES.1m.0", "footprint.ES.1m.x",
                 "footprint.ES.1m.05", "footprint.1m", "footprint.NQ.1m"):  # fmt: skip
        with pytest.raises(ProtocolError, match=r"footprint"):
            asyncio.run(resolve(name))
    assert asyncio.run(resolve("footprint.*.5m.2")) == ["footprint.ES.5m.2"]


def test_leaving_stops_following_the_trades(market: Market) -> None:
    async def follow() -> list[str]:
        chart = await Chart().follow("footprint.ES.1m")
        assert sorted(topic.topic for topic in current_hub().topics) == [
            "footprint.ES.1m", "trades.ES",
        ]  # fmt: skip
        await chart.feed.close()
        return [topic.topic for topic in current_hub().topics]

    assert asyncio.run(follow()) == []


def test_frames_have_the_columns_of_the_api(market: Market) -> None:
    async def follow() -> list[Chart]:
        return [await Chart().follow(f"footprint.ES.{name}.2") for name in TIMEFRAMES]

    for name, chart in zip(TIMEFRAMES, run(follow), strict=True):
        rows = market.rows(2, timeframe=name)
        assert chart.opens == [rows[-1]]
        assert json.loads(json.dumps(chart.closed)) == numbered(rows[:-1])[-1:]
