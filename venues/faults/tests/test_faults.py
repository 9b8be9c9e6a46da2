"""Faults between a small venue and its clients: what they do, and that a seed repeats them."""

import asyncio
import logging
from dataclasses import replace

import pytest

from venues.faults.dialects import Answer
from venues.faults.dice import Dice, Runs
from venues.faults.injection import Faults
from venues.faults.profiles import (
    PROFILES,
    Delay,
    Outage,
    Profile,
    UnknownProfileError,
    profile_of,
)

QUIET = Profile(name="quiet", shows="", incident="")
MESSAGES = 400


class Shop:
    """A venue whose messages say what they are."""

    def is_order_request(self, scope):
        return scope["path"] == "/order"

    def is_order_reply(self, text):
        return text.startswith("reply")

    def is_book(self, text):
        return text.startswith("book")

    def is_news(self, text):
        return text.startswith("news")

    def misnumbered(self, text):
        return f"{text} misnumbered"

    def too_many_requests(self):
        return Answer(429, b"slow down")

    def refused_message(self, text):
        return f"refused {text}" if text.startswith("ask") else None

    def closed(self):
        return Answer(503, b"closed")


class Venue:
    """An ASGI application: counts what it executes and sends what a test wants."""

    def __init__(self, texts=()):
        self.executed = []
        self.heard = []
        self._texts = texts

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            self.executed.append(scope["path"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})
            return
        await receive()
        await send({"type": "websocket.accept"})
        for text in self._texts:
            await send({"type": "websocket.send", "text": text})
        while (event := await receive())["type"] == "websocket.receive":
            self.heard.append(event["text"])
            await send({"type": "websocket.send", "text": f"pong {event['text']}"})


class Transport:
    def __init__(self):
        self.is_aborted = False

    def abort(self):
        self.is_aborted = True


class Client:
    """The server's side of one connection, as an ASGI server makes it."""

    def __init__(self):
        self.transport = Transport()
        self.events = []
        self.incoming = asyncio.Queue()

    async def send(self, event):
        self.events.append(event)

    @property
    def texts(self):
        return [event["text"] for event in self.events if event["type"] == "websocket.send"]


async def request(application, path="/time"):
    """Return the status of the answer, None if the connection was aborted instead."""
    client = Client()
    scope = {"type": "http", "method": "POST", "path": path}
    await application(scope, client.incoming.get, client.send)
    statuses = [event["status"] for event in client.events if "status" in event]
    assert client.transport.is_aborted == (not statuses)
    return statuses[0] if statuses else None


async def talk(application, says=(), until=lambda client: True, path="/stream"):
    """Return a client after it has connected, said something and seen what it waits for."""
    client = Client()
    await client.incoming.put({"type": "websocket.connect"})
    for text in says:
        await client.incoming.put({"type": "websocket.receive", "text": text})
    scope = {"type": "websocket", "path": path}
    serving = asyncio.create_task(application(scope, client.incoming.get, client.send))
    async with asyncio.timeout(20):
        while not (client.incoming.empty() and until(client)):
            await asyncio.sleep(0.001)
    await client.incoming.put({"type": "websocket.disconnect"})
    await serving
    return client


def faulty(venue, seed=1, **faults):
    return Faults(venue, Shop(), replace(QUIET, **faults), seed)


def test_a_profile_without_faults_changes_nothing():
    texts = [f"news {n}" for n in range(5)] + ["book 1", "reply 1"]
    venue = Venue(texts)

    async def run():
        application = faulty(venue)
        assert await request(application, "/order") == 200
        return await talk(application, ["hello"], lambda client: len(client.texts) == 8)

    assert asyncio.run(run()).texts == [*texts, "pong hello"]
    assert venue.heard == ["hello"]


def test_lost_answers_are_of_orders_that_were_executed():
    venue = Venue()

    async def run():
        application = faulty(venue, lost=0.5)
        orders = [await request(application, "/order") for _ in range(40)]
        return orders, [await request(application, "/time") for _ in range(40)]

    orders, others = asyncio.run(run())
    assert 5 < orders.count(None) < 35
    assert others == [200] * 40
    assert venue.executed.count("/order") == 40


def test_a_lost_reply_of_a_socket_is_that_of_an_order():
    venue = Venue(["reply 1", "reply 2", "pong", "reply 3"])
    client = asyncio.run(talk(faulty(venue, lost=1.0), until=lambda client: client.texts))
    assert client.texts == ["pong"]


@pytest.mark.parametrize(
    ("fault", "statuses"), [("too_many", {429}), ("errors", {502, 503})], ids=str
)
def test_refusals_come_in_runs_and_execute_nothing(fault, statuses):
    venue = Venue()

    async def run():
        application = faulty(venue, run=4, **{fault: 0.1})
        return [await request(application) for _ in range(200)]

    found = asyncio.run(run())
    refused = [status != 200 for status in found]
    assert set(found) == {200, *statuses}
    assert len(venue.executed) == refused.count(False)
    lengths = [len(run) for run in "".join("x" if each else " " for each in refused).split()]
    assert all(length % 4 == 0 for length in lengths[:-1])


def test_the_same_seed_injects_the_same_faults():
    async def run(seed):
        application = faulty(Venue(), seed, too_many=0.3, errors=0.3, lost=0.3)
        return [await request(application, "/order") for _ in range(60)]

    first, again, other = (asyncio.run(run(seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_changes_of_books_get_lost_in_runs_or_are_misnumbered():
    texts = [f"book {n}" for n in range(MESSAGES)]
    faults = {"missing": 0.02, "run": 3, "misnumbered": 0.02}
    client = asyncio.run(
        talk(faulty(Venue(texts), **faults), until=lambda client: "book" in client.texts[-1])
    )
    wrong = [text for text in client.texts if text.endswith("misnumbered")]
    lost = MESSAGES - len(client.texts)
    assert wrong
    assert lost > 0
    assert lost % 3 == 0
    assert [int(text.split()[1]) for text in client.texts] == sorted(
        int(text.split()[1]) for text in client.texts
    )


def test_news_arrives_twice_or_late_but_never_gets_lost():
    texts = [f"news {n}" for n in range(100)]
    application = faulty(Venue(texts), repeated=0.2, late=0.2, late_s=0.05)
    client = asyncio.run(talk(application, until=lambda client: set(texts) <= set(client.texts)))
    assert len(client.texts) > len(texts)
    assert client.texts != sorted(client.texts, key=lambda text: int(text.split()[1]))
    assert max(client.texts.count(text) for text in texts) == 2


def test_a_connection_breaks_within_a_burst():
    application = faulty(Venue([f"news {n}" for n in range(MESSAGES)]), disconnects=0.02)
    client = asyncio.run(talk(application, until=lambda client: client.transport.is_aborted))
    assert client.transport.is_aborted


def test_delays_keep_the_order_of_messages():
    texts = [f"news {n}" for n in range(50)]
    application = faulty(Venue(texts), delay=Delay(median_ms=2, sigma=1.0))
    client = asyncio.run(talk(application, ["hello"], lambda client: len(client.texts) == 51))
    assert client.texts == [*texts, "pong hello"]


def test_maintenance_closes_sockets_and_refuses_everything():
    now = [0.0]
    profile = replace(QUIET, outage=Outage(after_s=10, lasts_s=5))
    venue = Venue()
    application = Faults(venue, Shop(), profile, clock=lambda: now[0])

    async def run():
        before = await request(application)

        def closed(client):
            if client.events:
                now[0] = 12.0
            return {"type": "websocket.close", "code": 1012} in client.events

        await talk(application, until=closed)
        during = await request(application)
        refused = await talk(application, until=lambda client: client.events)
        now[0] = 16.0
        return before, during, refused.events, await request(application)

    assert asyncio.run(run()) == (200, 503, [{"type": "websocket.close"}], 200)
    assert venue.executed == ["/time", "/time"]


def test_a_silent_venue_executes_nothing_and_then_breaks_its_connections():
    now = [0.0]
    profile = replace(QUIET, silence=Outage(after_s=10, lasts_s=5))
    venue = Venue(["news 1"])
    application = Faults(venue, Shop(), profile, clock=lambda: now[0])

    def speaks_again(client):
        if client.events:
            now[0] = 16.0
        return client.transport.is_aborted

    async def run():
        now[0] = 12.0
        silent = await talk(application, ["hello"], speaks_again)
        now[0] = 12.0
        unanswered = asyncio.create_task(request(application))
        await asyncio.sleep(0)
        now[0] = 16.0
        spoken = await talk(application, ["hello"], lambda client: len(client.texts) == 2)
        return silent.events, await unanswered, spoken.texts

    accepted = [{"type": "websocket.accept"}]
    assert asyncio.run(run()) == (accepted, None, ["news 1", "pong hello"])
    assert (venue.executed, venue.heard) == ([], ["hello"])


def test_garbage_replaces_answers_and_messages():
    venue = Venue(["news 1", "book 1", "reply 1"])

    async def run():
        application = faulty(venue, garbage=1.0)
        return await request(application, "/order"), await talk(
            application, until=lambda client: len(client.texts) == 3
        )

    status, client = asyncio.run(run())
    assert (status, venue.executed) == (200, ["/order"])
    assert not {"news 1", "book 1", "reply 1"} & set(client.texts)


def test_a_request_of_a_socket_beyond_a_limit_is_refused_and_ends_it():
    venue = Venue()
    client = asyncio.run(
        talk(faulty(venue, too_many=1.0), ["hello", "ask 1"], lambda client: client.texts[1:])
    )
    assert client.texts == ["pong hello", "refused ask 1"]
    assert client.events[-1] == {"type": "websocket.close", "code": 1008}
    assert venue.heard == ["hello"]


def test_a_run_has_its_length_and_a_share_of_zero_draws_nothing():
    runs = Runs(Dice(1, "a"))
    assert [runs.hits("x", 1.0, 3) for _ in range(6)] == [True] * 6
    dice = Dice(1, "a")
    assert not any(dice.hits(0.0) for _ in range(10))
    assert dice.hits(0.5) == Dice(1, "a").hits(0.5)


def test_every_profile_names_what_it_shows_and_a_real_incident():
    for name, profile in PROFILES.items():
        assert profile_of(name) is profile
        assert profile.shows
        assert "http" in profile.incident
        assert replace(profile, name="", shows="", incident="") != replace(
            QUIET, name="", shows="", incident=""
        )
    with pytest.raises(UnknownProfileError, match="latency, rate_limits"):
        profile_of("flood")


def test_faults_are_logged_with_what_repeats_them(caplog):
    async def run():
        application = faulty(Venue(["book 1"]), missing=1.0, errors=1.0)
        await request(application)
        await talk(application)

    with caplog.at_level(logging.INFO):
        asyncio.run(run())
    logs = [each.msg for each in caplog.records if each.name.startswith("venues.faults")]
    assert [(log["fault"], log["profile"], log["seed"]) for log in logs] == [
        ("server error", "quiet", 1),
        ("change of a book lost", "quiet", 1),
    ]
    assert logs[1]["connection"] == "/stream#1"
