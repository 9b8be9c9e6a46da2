"""The pool over real sockets: against our own door, and against venues that misbehave."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from venues.deribit.client.errors import LostError, RefusedError, UnavailableError
from venues.deribit.client.pacing import Pacer, QueueFullError
from venues.deribit.door import door
from venues.gateway import running
from venues.gateway.backoff import Backoff
from venues.gateway.pool import Pool
from venues.gateway.tests.talking import answered, echo, venue
from venues.tests.serving import serving

PATH = "/ws/api/v2"
LIMIT_S = 60


def quick() -> Backoff:
    return Backoff(lambda: 0.0, first_s=0.01, longest_s=0.02)


@contextlib.asynccontextmanager
async def pooled(
    url: str, size: int = 2, per_s: float = 1_000.0, **options: Any
) -> AsyncIterator[Pool]:
    most = options.pop("most_waiting", 1_000)
    pacer = Pacer(time.monotonic, per_s, most_waiting=most)
    pool = Pool(f"{url}{PATH}", pacer, size=size, backoff=quick(), **options)
    pool.start()
    try:
        async with asyncio.timeout(LIMIT_S):
            yield pool
    finally:
        await pool.stop()


async def until(condition: Callable[[], Any]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


@pytest.mark.django_db(transaction=True)
async def test_as_many_clients_as_configured_stand_ready_and_a_taken_one_is_replaced() -> None:
    async with serving(door()) as url, pooled(url, size=3) as pool:
        await until(lambda: pool.ready == 3)
        async with pool.taking() as client:
            await until(lambda: pool.ready == 3)
            assert pool.taken == 1
            assert await pool.call_on(client, "public/test", {}) == {"version": "1.2.26"}
        assert not client.is_open
        assert (pool.taken, pool.ready) == (0, 3)


@pytest.mark.django_db(transaction=True)
async def test_refusals_name_code_and_reason() -> None:
    async with serving(door()) as url, pooled(url) as pool:
        with pytest.raises(RefusedError, match="answered -32601"):
            await pool.call("public/nonsense")
        with pytest.raises(RefusedError) as refused:
            await pool.call("private/get_positions")
        assert refused.value.code == 10000


async def test_requests_of_all_clients_share_one_pace() -> None:
    waits: list[float] = []

    class Noted(Pacer):
        def delay_s(self) -> float:
            waits.append(super().delay_s())
            return waits[-1]

    async with venue(echo) as url:
        pool = Pool(f"{url}{PATH}", Noted(lambda: 0.0, per_s=200.0), size=2, backoff=quick())
        pool.start()
        async with asyncio.timeout(LIMIT_S), pool.taking() as client:
            await asyncio.gather(
                *(pool.call("x") for _ in range(10)),
                *(pool.call_on(client, "x", {}) for _ in range(10)),
            )
        await pool.stop()
    assert waits == pytest.approx([number / 200 for number in range(20)])


async def test_requests_wait_for_a_venue_that_comes_back() -> None:
    is_down = asyncio.Event()
    is_down.set()

    async def restarting(connection: ServerConnection) -> None:
        if is_down.is_set():
            await connection.close(1012)
        else:
            await echo(connection)

    async with venue(restarting) as url, pooled(url) as pool:
        asked = [asyncio.create_task(pool.call(f"m{number}")) for number in range(20)]
        await until(lambda: pool.waiting == 20)
        is_down.clear()
        assert await asyncio.gather(*asked) == [f"m{number}" for number in range(20)]


async def test_venue_that_closes_every_connection_is_not_hammered() -> None:
    opened: list[object] = []

    async def closing(connection: ServerConnection) -> None:
        opened.append(connection)
        await connection.close(1012)

    never = Backoff(lambda: 0.0, first_s=3_600, longest_s=3_600)
    async with venue(closing) as url:
        pool = Pool(f"{url}{PATH}", Pacer(time.monotonic), size=1, backoff=never)
        pool.start()
        async with asyncio.timeout(LIMIT_S):
            await until(lambda: never.failures)
        await asyncio.sleep(0.1)  # time in which it might connect again
        await pool.stop()
    assert len(opened) == 1


async def test_request_whose_connection_breaks_is_sent_again() -> None:
    seen: list[str] = []

    async def first_breaks(connection: ServerConnection) -> None:
        async for text in connection:
            seen.append(str(text))
            if len(seen) == 1:
                connection.transport.abort()
                return
            await connection.send(answered(text, result="done"))

    async with venue(first_breaks) as url, pooled(url) as pool:
        assert await pool.call("public/test") == "done"
        assert len(seen) == 2
        await until(lambda: pool.ready == 2)


async def test_too_many_requests_is_not_an_end() -> None:
    limit = {"code": 10028, "message": "too_many_requests"}
    replies: Iterator[dict[str, object]] = iter([{"error": limit}, {"result": 7}])

    async def limited(connection: ServerConnection) -> None:
        async for text in connection:
            reply = next(replies)
            await connection.send(answered(text, **reply))
            if "error" in reply:
                return

    async with venue(limited) as url, pooled(url) as pool:
        assert await pool.call("public/ticker") == 7


@pytest.mark.parametrize("garbage", ["{", "[]", "7", "null"])
async def test_garbage_ends_the_connection_and_loses_no_request(garbage: str) -> None:
    talks = iter([garbage])

    async def noisy(connection: ServerConnection) -> None:
        async for text in connection:
            await connection.send(next(talks, None) or answered(text, result=1))

    async with venue(noisy) as url, pooled(url) as pool:
        assert await pool.call("public/test") == 1


async def test_answers_of_another_shape_lose_no_request() -> None:
    replies: list[dict[str, Any]] = [{"error": "x"}, {"error": {"message": "x"}}, {}, {"result": 7}]

    async def talk(connection: ServerConnection) -> None:
        async for text in connection:
            await connection.send(answered(text, **replies.pop(0)))

    async with venue(talk) as url, pooled(url) as pool:
        assert await pool.call("public/ticker") == 7


def test_reports_of_the_pool_go_on_after_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    errors, reported = [OSError("disk full")], threading.Event()

    def report(found: object) -> None:
        if errors:
            raise errors.pop()
        reported.set()

    monkeypatch.setattr(running, "report", report)
    monkeypatch.setattr(running, "REPORT_S", 0.0)
    gateway = running.Gateway("ws://127.0.0.1:9", per_s=1.0, most_waiting=1)
    assert reported.wait(LIMIT_S)
    gateway.stop()
    assert "state of the pool not reported" in caplog.text


async def test_silent_venue_is_given_up_and_named() -> None:
    async def silent(connection: ServerConnection) -> None:
        async for _ in connection:
            pass

    async with venue(silent) as url, pooled(url, patience_s=0.3, answer_s=0.05) as pool:
        with pytest.raises(UnavailableError, match="did not answer public/test within"):
            await pool.call("public/test")
        async with pool.taking() as client:
            with pytest.raises(LostError, match="no answer to public/auth"):
                await pool.call_on(client, "public/auth", {})
    assert pool.waiting == 0


async def test_client_that_is_being_closed_is_not_taken() -> None:
    async with venue(echo) as url, pooled(url) as pool:
        await until(lambda: pool.ready == 2)
        pool._ready[0].is_closing = True  # the venue does not confirm it
        for _ in range(3):
            assert await pool.call("public/test") == "public/test"
        async with pool.taking() as client:
            assert not client.is_closing


async def test_queue_is_bounded_while_the_venue_is_down() -> None:
    async with pooled("ws://127.0.0.1:9", most_waiting=5) as pool:
        asked = [asyncio.create_task(pool.call("x")) for _ in range(5)]
        await until(lambda: pool.waiting == 5)
        with pytest.raises(QueueFullError, match="5 requests wait"):
            await pool.call("x")
        for each in asked:
            each.cancel()


async def test_taking_fails_at_once_while_the_venue_is_down() -> None:
    async with pooled("ws://127.0.0.1:9") as pool:
        with pytest.raises(UnavailableError, match="no connection to ws://127"):
            async with pool.taking():
                pass


def test_delays_double_up_to_a_bound_and_begin_again() -> None:
    backoff = Backoff(lambda: 0.0, first_s=1, longest_s=5)
    assert [backoff.fail() for _ in range(5)] == [0.5, 1, 2, 2.5, 2.5]
    backoff.succeed()
    assert backoff.fail() == 0.5
