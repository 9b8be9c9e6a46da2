"""Prices: fetched once for all who follow them, recorded as quotes, read by date."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.test import Client as Browser
from django.urls import path
from django.utils import timezone
from pytest_django import Settings

from instruments.models import Instrument
from live import cutting
from quotes.models import Quote
from venues.gateway import (
    connections,
    following,
    logins,
    pricefeed,
    prices,
    publishing,
    running,
    schedule,
    tasks,
)
from venues.gateway.consumers import PriceConsumer
from venues.gateway.http.stream import events, read_place
from venues.gateway.logins import digest, expiry
from venues.gateway.models import Connection, ConnectionState, Person, PriceTicker
from venues.gateway.pricefeed import Followed, PriceFeed
from venues.gateway.prices import Price
from venues.gateway.tests.talking import Prices, venue
from venues.tests.markets import in_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
PATH = "/api/v1/venues/deribit/connections/"
LIMIT_S = 60


@contextlib.asynccontextmanager
async def served(settings: Settings, **known: float) -> AsyncIterator[Prices]:
    """Serve a venue that knows these prices to the gateway."""
    source = Prices(**known)
    async with venue(source) as url, asyncio.timeout(LIMIT_S):
        settings.DERIBIT_URL = url
        settings.DERIBIT_REQUESTS_PER_S = 1_000
        try:
            yield source
        finally:
            await asyncio.to_thread(running.stop)


def person(number: int = 1) -> Person:
    return Person.objects.create(
        fingerprint=str(number), account=f"p{number}", last_login_at=timezone.now()
    )


def connection(whose: Person, token: str = "t") -> Connection:
    return Connection.objects.create(
        digest=digest("token", token), person=whose, state=ConnectionState.OPEN, expires_at=expiry()
    )


def ask(method: str, path: str, **body: Any) -> tuple[int, Any]:
    """Return status and body of the answer below the connection of the token t."""
    send = getattr(Browser(), method)
    given = (json.dumps(body), "application/json") if method == "post" else ()
    answer = send(f"{PATH}t/{path}", *given)
    return answer.status_code, json.loads(answer.content or "null")


class Stream:
    """What a user reads from the server-sent events."""

    def __init__(self, key: int, since: dict[str, int] | None = None) -> None:
        texts = events(key, since or {})
        assert isinstance(texts, AsyncGenerator)
        self.texts = texts
        self._unread: list[dict[str, Any]] = []

    async def next(self, kind: str) -> dict[str, Any]:
        """Return the next event of a type."""
        while not (found := [each for each in self._unread if each["type"] == kind]):
            lines = (await anext(self.texts)).splitlines()
            self._unread += [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
        self._unread.remove(found[0])
        return found[0]


@pytest.mark.both_databases
async def test_many_users_of_a_ticker_cost_the_venue_one_request(settings: Settings) -> None:
    def follow() -> None:
        for number in range(30):
            whose = person(number)
            for name in ("btc_usd", "eth_usd"):
                following.subscribe(person=whose, name=name, interval_s=50)

    async with served(settings, btc_usd=65000.5, eth_usd=3000.25) as source:
        await in_thread(follow)
        assert source.asked == ["btc_usd", "eth_usd"]  # the first price of each comes at once
        assert await in_thread(tasks.fetch_prices) == 2
        assert len(source.asked) == 4
    assert await in_thread(Quote.objects.count) == 4


async def test_page_shows_pool_queue_and_subscribers(settings: Settings) -> None:
    def page() -> str:
        return Browser().get("/venues/gateway/").content.decode()

    assert "has not been used yet" in await in_thread(page)
    whose = await in_thread(person)
    async with served(settings, btc_usd=65000.5):
        await in_thread(lambda: following.subscribe(person=whose, name="btc_usd", interval_s=50))
        shown = await in_thread(page)
        assert "Connected to ws://" in shown
        assert "1 subscription," in shown
        assert "0.1 of at most 1000 per second; 1 in all" in shown
        (venue_now,) = (await in_thread(Browser().get, "/api/v1/venues/")).json()
        assert venue_now["pool"]["ages_s"]


@pytest.mark.both_databases
async def test_user_subscribes_reads_the_stream_and_cancels(settings: Settings) -> None:
    key = (await in_thread(lambda: connection(person()))).pk
    async with served(settings, btc_usd=65000.5) as source:
        stream = Stream(key)
        assert (await stream.next("status"))["state"] == "open"
        status, made = await in_thread(
            ask, "post", "subscriptions/", ticker="btc_usd", interval_s=1
        )
        assert (status, made["instrument"]) == (201, "DERIBIT-BTC_USD")
        first = await stream.next("price")
        assert (first["ticker"], first["seq"], first["price"]) == ("btc_usd", 1, 65000.5)
        source.prices["btc_usd"] = 65001.75
        await in_thread(Quote.objects.update, at=datetime(2026, 1, 1, tzinfo=UTC))
        await in_thread(tasks.fetch_prices)
        second = await stream.next("price")
        assert (second["seq"], second["price"]) == (2, 65001.75)
        assert [each["ticker"] for each in (await in_thread(ask, "get", "subscriptions/"))[1]] == [
            "btc_usd"
        ]
        changed = await in_thread(ask, "post", "subscriptions/btc_usd/", interval_s=2)
        assert (changed[0], changed[1]["interval_s"]) == (200, 2)
        assert (await in_thread(ask, "get", "subscriptions/btc_usd/")) == changed
        assert (await in_thread(ask, "post", "subscriptions/Nonsense/", interval_s=2))[0] == 400
        assert (await in_thread(ask, "delete", "subscriptions/btc_usd/"))[1] == {"cancelled": 1}
        assert (await in_thread(ask, "get", "subscriptions/btc_usd/"))[0] == 404
        assert (await in_thread(ask, "delete", "subscriptions/btc_usd/"))[0] == 404
        assert (await in_thread(ask, "delete", "subscriptions/"))[1] == {"cancelled": 0}
        assert (await in_thread(ask, "delete", ""))[0] == 204
        assert (await stream.next("status"))["state"] == "closed"
        await stream.texts.aclose()
        assert await in_thread(tasks.fetch_prices) == 0


async def test_stream_resumes_after_the_last_event(settings: Settings) -> None:
    whose = await in_thread(person)
    key = (await in_thread(connection, whose)).pk
    async with served(settings, btc_usd=1.5):
        await in_thread(
            lambda: following.subscribe(person=whose, name="btc_usd", interval_s=86_400)
        )
        for _ in range(3):
            await in_thread(tasks.fetch_prices)
        stream = Stream(key, {"btc_usd": 2})
        assert (await stream.next("price"))["seq"] == 3
        await stream.texts.aclose()
        fresh = Stream(key)
        await in_thread(tasks.refresh)
        assert (await fresh.next("price"))["seq"] == 4
        await fresh.texts.aclose()


async def test_a_stream_misses_nothing_although_the_cache_is_behind(settings: Settings) -> None:
    def fetch(count: int) -> None:
        for _ in range(count):
            tasks.fetch_prices()
        for quote in Quote.objects.all():  # a minute apart
            at = datetime(2026, 1, 1, 0, quote.seq, tzinfo=UTC)
            Quote.objects.filter(pk=quote.pk).update(at=at)

    whose = await in_thread(person)
    key = (await in_thread(connection, whose)).pk
    async with served(settings, btc_usd=1.5):
        await in_thread(lambda: following.subscribe(person=whose, name="btc_usd", interval_s=1))
        await in_thread(fetch, 1)
        await in_thread(tasks.refresh)
        await in_thread(fetch, 2)
        stream = Stream(key)
        assert [(await stream.next("price"))["seq"] for _ in range(3)] == [2, 3, 4]
        await stream.texts.aclose()


async def test_a_cancelled_ticker_begins_anew_when_it_is_followed_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pricefeed, "HEARTBEAT_S", 0.1)
    whose = await in_thread(person)
    feed = PriceFeed((await in_thread(connection, whose)).pk, {"btc_usd": 1})
    async with served(settings, btc_usd=1.5):
        await in_thread(lambda: following.subscribe(person=whose, name="btc_usd", interval_s=1))
        await feed.open()
        await feed.take()
        assert feed.place == "btc_usd:1"
        await in_thread(following.cancel, whose)
        while feed.place:
            await feed.take()
        await feed.close()


async def test_refusal_of_the_venue_is_shown_and_stops_no_other_ticker(settings: Settings) -> None:
    whose = await in_thread(person)
    key = (await in_thread(connection, whose)).pk
    async with served(settings, btc_usd=1.5) as source:
        for name in ("nonsense_usd", "btc_usd"):
            await in_thread(ask, "post", "subscriptions/", ticker=name, interval_s=5)
        listed = (await in_thread(ask, "get", "subscriptions/"))[1]
        assert [(each["ticker"], each["error"]) for each in listed] == [
            ("btc_usd", ""),
            ("nonsense_usd", "the venue answered -32602: no index nonsense_usd"),
        ]
        stream = Stream(key)
        assert (await stream.next("status"))["state"] == "open"
        unknown = await stream.next("status")
        assert (unknown["ticker"], unknown["state"]) == ("nonsense_usd", "unknown")
        source.prices["nonsense_usd"] = 7.0
        assert await in_thread(tasks.fetch_prices) == 1
        assert source.asked.count("nonsense_usd") == 1  # the venue said that it has none
        assert await in_thread(tasks.store_persons) == 0  # at midnight
        assert await in_thread(tasks.fetch_prices) == 2
        live = await stream.next("status")
        assert (live["ticker"], live["state"], live["reason"]) == ("nonsense_usd", "live", "")
        await stream.texts.aclose()
    assert await in_thread(Instrument.objects.filter(symbol__contains="NONSENSE").exists)


async def test_price_below_one_step_is_named_and_stops_no_other_ticker(settings: Settings) -> None:
    whose = await in_thread(person)
    async with served(settings, aaa_usd=0.00002, btc_usd=1.5):
        for name in ("aaa_usd", "btc_usd"):
            await in_thread(
                lambda name=name: following.subscribe(person=whose, name=name, interval_s=5)
            )
        assert await in_thread(tasks.fetch_prices) == 1
    ticker = await in_thread(lambda: PriceTicker.objects.get(name="aaa_usd"))
    assert ticker.error == "the price 0.00002 cannot be recorded in steps of 0.0001"


@pytest.mark.parametrize("sent", [None, "nonsense", [1], "NaN", "Infinity", 0, -1.5])
def test_what_is_no_price_is_refused(sent: Any) -> None:
    with pytest.raises(ValueError, match=r"not a price|cannot be recorded"):
        prices.exact(sent)


async def test_stream_ends_with_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricefeed, "CHECK_S", 0.0)
    monkeypatch.setattr(pricefeed, "HEARTBEAT_S", 0.01)
    key = (await in_thread(lambda: connection(person()))).pk
    async with asyncio.timeout(LIMIT_S):
        stream = Stream(key)
        assert (await stream.next("status"))["state"] == "open"
        await in_thread(Connection.objects.update, expires_at=timezone.now())
        assert (await stream.next("status"))["state"] == "closed"
        await stream.texts.aclose()


async def test_login_whose_task_was_lost_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def pending(token: str) -> int:
        made = Connection.objects.create(digest=digest("token", token), expires_at=expiry())
        return made.pk

    monkeypatch.setattr(pricefeed, "LOGIN_LASTS_S", 0.0)
    monkeypatch.setattr(logins, "LOGIN_LASTS_S", 0.0)
    monkeypatch.setattr(connections, "LOGIN_LASTS_S", 0.0)
    key = await in_thread(pending, "t")
    async with asyncio.timeout(LIMIT_S):
        stream = Stream(key)
        assert (await stream.next("status"))["state"] == "pending"
        ended = await stream.next("status")
        assert (ended["state"], ended["reason"]) == ("unavailable", logins.LOST)
        assert [event async for event in stream.texts] == []
    await in_thread(pending, "u")
    found = await in_thread(connections.find, "u")
    assert found is not None
    assert found.state == ConnectionState.UNAVAILABLE
    assert await in_thread(logins.authenticate, "no handle", found.pk)
    assert (await in_thread(connections.find, "u")).state == ConnectionState.UNAVAILABLE


async def test_change_during_a_read_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricefeed, "HEARTBEAT_S", 3_600.0)
    key = (await in_thread(lambda: connection(person()))).pk
    feed, loop, real = PriceFeed(key), asyncio.get_running_loop(), pricefeed.read_wanted
    note = cutting.made({}, 0, 0, topic=publishing.topic_of(key))

    def closed_after(connection: int) -> Any:
        """Read, then close the connection; return what was read before."""
        found, noted = real(connection), threading.Event()
        Connection.objects.all().delete()
        loop.call_soon_threadsafe(feed._offer, note)
        loop.call_soon_threadsafe(noted.set)
        assert noted.wait(LIMIT_S)
        return found

    async with asyncio.timeout(LIMIT_S):
        await feed.open()
        assert [each["state"] for each in await feed.take()] == ["open"]
        monkeypatch.setattr(pricefeed, "read_wanted", closed_after)
        feed._offer(note)
        assert await feed.take() == []
        monkeypatch.setattr(pricefeed, "read_wanted", real)
        assert [each["state"] for each in await feed.take()] == ["closed"]
        await feed.close()


async def test_socket_sends_prices_and_counts_for_its_address(settings: Settings) -> None:
    settings.STREAM_CONNECTIONS_PER_ADDRESS = 1
    application = URLRouter([path("<str:token>", PriceConsumer.as_asgi())])
    await in_thread(lambda: connection(person()))
    for _ in range(2):  # the first makes room for the second
        socket = WebsocketCommunicator(application, "t")
        assert (await socket.connect(LIMIT_S))[0]
        assert json.loads(await socket.receive_from(LIMIT_S))["state"] == "open"
        other = WebsocketCommunicator(application, "t")
        assert not (await other.connect(LIMIT_S))[0]
        await socket.disconnect()
    unknown = WebsocketCommunicator(application, "nonsense")
    assert not (await unknown.connect(LIMIT_S))[0]


@pytest.mark.parametrize("place", ["btc_usd", "btc_usd:x", "a\nb_c:1", ":1", "btc_usd:-1"])
def test_malformed_places_are_refused(place: str) -> None:
    assert read_place("btc_usd:17,eth_usd:5") == {"btc_usd": 17, "eth_usd": 5}
    with pytest.raises(ValueError, match=r"is not|must"):
        read_place(place)


async def test_intervals_send_the_newest_price_when_they_are_over() -> None:
    feed = PriceFeed(1)
    feed._followed["btc_usd"] = Followed(interval_s=60, has_prices=True)
    for seq, at_s in ((1, 0), (1, 0), (2, 10), (3, 20), (4, 60), (5, 70)):
        feed._price("btc_usd", Price(seq, at_s * 1_000, 1.0))
    feed._send_due()  # 1970 is over
    sent = [event["seq"] for event in feed.take_now()]
    assert sent == [1, 4, 5]


async def test_user_is_told_when_prices_cease() -> None:
    feed = PriceFeed(1)
    feed._followed["btc_usd"] = ticker = Followed(interval_s=1, has_prices=True)
    feed._tell_silent()
    assert feed.take_now() == []
    ticker.heard_at -= pricefeed.silent_s()
    assert feed._wait_s() == 0.0
    for _ in range(2):
        feed._tell_silent()
    feed._price("btc_usd", Price(1, 1_000, 1.0), is_live=True)
    told = [(event["type"], event.get("state")) for event in feed.take_now()]
    assert told == [("status", "stale"), ("status", "live"), ("price", None)]


def test_prices_that_are_being_fetched_are_not_asked_for_again() -> None:
    names = ("btc_usd", "eth_usd")
    tickers = [PriceTicker.objects.create(name=name) for name in names]
    with prices.in_flight(tickers[:1]), prices.in_flight(tickers) as fresh:
        assert fresh == {"eth_usd": tickers[1]}
    with prices.in_flight(tickers) as fresh:
        assert list(fresh.values()) == tickers


async def test_ticker_without_an_answer_delays_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["btc_usd", "eth_usd"]
    monkeypatch.setattr(prices, "FIRST_S", LIMIT_S)
    async with served(settings, eth_usd=3000.25) as source:
        source.silent.add("btc_usd")
        for name in names:
            await in_thread(PriceTicker.objects.create, name=name)
        waiting = asyncio.create_task(in_thread(prices.fetch_prices, names))
        while "eth_usd" in prices._fetching or "eth_usd" not in source.asked:
            await asyncio.sleep(0.01)
        assert prices._fetching == {"btc_usd"}
        source.silent.clear()
        source.prices["btc_usd"] = 65000.5
        await source.hang_up()
        assert await waiting == 2


def record(*moments: str) -> None:
    ticker = PriceTicker.objects.create(name="btc_usd")
    for _ in moments:
        prices.record(ticker, Decimal("65000.12345"))
    for seq, moment in enumerate(moments, start=1):
        Quote.objects.filter(seq=seq).update(at=datetime.fromisoformat(moment))


def read(query: str) -> Any:
    answer = Browser().get(f"/api/v1/venues/deribit/prices/btc_usd/{query}")
    return answer.status_code, answer.json()


def test_prices_between_two_dates() -> None:
    record("2026-01-01T00:00:00Z", "2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z")
    for query, seqs in (
        ("", [1, 2, 3]),
        ("?start_date=2026-01-01T12:00:00Z", [2, 3]),
        ("?start_date=2026-01-01&end_date=2026-01-02", [1, 2]),
        ("?start_date=2026-01-03", []),
    ):
        status, body = read(query)
        assert (status, [row[0] for row in body["rows"]]) == (200, seqs)
    assert body["columns"] == ["seq", "at", "price"]
    assert read("")[1]["rows"][0][2] == 65000.1234  # half to even


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("start_date=01.02.2026", "'01.02.2026' is not a date: use YYYY-MM-DD"),
        ("start_date=2026-02-30", "'2026-02-30' is not a date"),
        ("start_date=2026-01-01T00:00:00", "is not a date"),
        ("start_date=", "'' is not a date"),
        ("start_date=2026-01-02&end_date=2026-01-02", "must be after start_date 2026-01-02"),
        ("from=2026-01-02", "is not a parameter here"),
    ],
)
def test_wrong_dates_are_refused_with_the_reason(query: str, reason: str) -> None:
    record("2026-01-01T00:00:00Z")
    status, body = read(f"?{query}")
    assert status == 400
    assert reason in json.dumps(body, ensure_ascii=False)


def test_schedule_calls_each_task_when_it_is_due(settings: Settings) -> None:
    settings.DERIBIT_FETCH_S, settings.DERIBIT_REFRESH_S = 50, 45
    now = datetime(2026, 1, 1, 23, 59, tzinfo=UTC).timestamp()
    moment = [now]
    planned = schedule.Schedule(lambda: moment[0])
    calls = []
    for seconds in (44, 45, 50, 60, 90, 100):
        moment[0] = now + seconds
        calls.append(planned.call_due())
    assert calls == [[], ["refresh"], ["fetch_prices"], ["store_persons"], ["refresh"],
                     ["fetch_prices"]]  # fmt: skip


def test_unknown_token_is_answered_with_what_to_do() -> None:
    assert connections.find("nonsense") is None
    status, body = ask("get", "subscriptions/")
    assert (status, "connect again" in body["detail"]) == (404, True)
    assert Browser().get(f"{PATH}t/stream/").status_code == 404
