"""The HTTP handler: which requests run in threads, and that these threads are permanent."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from channels.testing import HttpCommunicator
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from pytrade.handler import ThreadHandler, is_asynchronous
from web.clients import ClientGone, check_client

seen: list[int] = []
released = threading.Event()
started = threading.Event()
given_up = threading.Event()


def answered(_request: HttpRequest) -> HttpResponse:
    seen.append(threading.get_ident())
    return HttpResponse(threading.current_thread().name)


def asking_the_loop(_request: HttpRequest) -> HttpResponse:
    async def thread() -> int:
        return threading.get_ident()

    return HttpResponse(str(async_to_sync(thread)()))


def broken(_request: HttpRequest) -> HttpResponse:
    raise ValueError("of a view")


def pieces(_request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(str(number) for number in range(10))


class Export:
    """An endless response; `closed` is set when it is abandoned."""

    threads: set[str] = set()
    closed = threading.Event()

    @classmethod
    def blocks(cls) -> Iterator[bytes]:
        try:
            while True:
                cls.threads.add(threading.current_thread().name)
                yield b"x"
        finally:
            cls.closed.set()


def export(_request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(Export.blocks())


@csrf_exempt
def reading(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 7")
        return HttpResponse(f"{cursor.fetchone()[0]} {request.body.decode()}")


def waiting(_request: HttpRequest) -> HttpResponse:
    assert released.wait(20)
    return HttpResponse("at last")


def computing(_request: HttpRequest) -> HttpResponse:
    started.set()
    try:
        while not released.wait(0.01):
            check_client()
    except ClientGone:
        given_up.set()
        raise
    return HttpResponse("computed")


async def asynchronous(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(threading.get_ident()))


urlpatterns = [
    path("answered/", answered),
    path("loop/", asking_the_loop),
    path("broken/", broken),
    path("pieces/", pieces),
    path("export/", export),
    path("reading/", reading),
    path("waiting/", waiting),
    path("computing/", computing),
    path("livez", answered),
    path("readyz", answered),
    path("asynchronous/", asynchronous),
]


@pytest.fixture
def handler() -> Any:
    with override_settings(ROOT_URLCONF=__name__):
        yield ThreadHandler()


async def ask(handler: ThreadHandler, address: str, body: bytes = b"") -> tuple[int, bytes]:
    """Return status and body of the answer."""
    method = "POST" if body else "GET"
    scope = HttpCommunicator(handler, method, address, body).scope
    client = ApplicationCommunicator(handler, scope | {"headers": [(b"host", b"localhost")]})
    await client.send_input({"type": "http.request", "body": body})
    status = (await client.receive_output(20))["status"]
    answer = b""
    while True:
        piece = await client.receive_output(20)
        answer += piece.get("body", b"")
        if not piece.get("more_body"):
            await client.wait(20)
            return status, answer


async def test_requests_run_in_permanent_threads(handler: ThreadHandler, settings: Any) -> None:
    seen.clear()
    for _ in range(3 * settings.WEB_THREADS):
        status, body = await ask(handler, "/answered/")
        assert status == 200
        assert body.startswith(b"web_")
    assert 1 <= len(set(seen)) <= settings.WEB_THREADS
    assert threading.get_ident() not in seen


async def test_asynchronous_views_run_on_the_event_loop(handler: ThreadHandler) -> None:
    assert is_asynchronous({"path": "/asynchronous/"})
    assert not is_asynchronous({"path": "/answered/"})
    assert not is_asynchronous({"path": "/nowhere/"})
    assert is_asynchronous({"path": "/below/asynchronous/", "root_path": "/below"})
    _, body = await ask(handler, "/asynchronous/")
    assert int(body) == threading.get_ident()


async def test_view_in_a_thread_can_call_the_event_loop(handler: ThreadHandler) -> None:
    _, body = await ask(handler, "/loop/")
    assert int(body) == threading.get_ident()


async def test_probes_answer_while_all_threads_are_busy(
    handler: ThreadHandler, settings: Any
) -> None:
    released.clear()
    waiting = [
        asyncio.create_task(ask(handler, "/waiting/")) for _ in range(settings.WEB_THREADS + 3)
    ]
    assert await ask(handler, "/livez") == (200, b"livez_0")
    assert await ask(handler, "/readyz") == (200, b"readyz_0")
    assert not any(task.done() for task in waiting)
    released.set()
    assert set(await asyncio.gather(*waiting)) == {(200, b"at last")}


def client_of(handler: ThreadHandler, address: str) -> ApplicationCommunicator:
    scope = HttpCommunicator(handler, "GET", address).scope
    return ApplicationCommunicator(handler, scope | {"headers": [(b"host", b"localhost")]})


async def test_view_stops_when_its_client_disconnects(handler: ThreadHandler) -> None:
    for event in (released, started, given_up):
        event.clear()
    client = client_of(handler, "/computing/")
    await client.send_input({"type": "http.request", "body": b""})
    assert await asyncio.to_thread(started.wait, 20)
    await client.send_input({"type": "http.disconnect"})
    await client.wait(20)
    assert given_up.is_set()
    assert client.output_queue.empty()


async def test_waiting_requests_of_disconnected_clients_are_dropped(
    handler: ThreadHandler, settings: Any
) -> None:
    for event in (released, started):
        event.clear()
    busy = [asyncio.create_task(ask(handler, "/waiting/")) for _ in range(settings.WEB_THREADS)]
    assert (await ask(handler, "/livez"))[0] == 200  # those before it have their threads
    client = client_of(handler, "/computing/")
    await client.send_input({"type": "http.request", "body": b""})
    await client.send_input({"type": "http.disconnect"})
    assert (await ask(handler, "/livez"))[0] == 200
    released.set()
    await asyncio.gather(*busy)
    await client.wait(20)
    assert not started.is_set()


async def test_chunks_are_sent_in_order(handler: ThreadHandler) -> None:
    assert await ask(handler, "/pieces/") == (200, b"0123456789")


async def test_exports_have_their_own_thread_and_end_with_their_clients(
    handler: ThreadHandler,
) -> None:
    scope = HttpCommunicator(handler, "GET", "/export/").scope
    clients = [
        ApplicationCommunicator(handler, scope | {"headers": [(b"host", b"localhost")]})
        for _ in range(3)
    ]
    Export.closed.clear()
    for client in clients:
        await client.send_input({"type": "http.request", "body": b""})
        assert (await client.receive_output(20))["status"] == 200
        for _ in range(3):
            assert (await client.receive_output(20))["body"] == b"x"
    status, _ = await ask(handler, "/answered/")
    assert status == 200
    for client in clients:
        Export.closed.clear()
        await client.send_input({"type": "http.disconnect"})
        await client.wait(20)
        assert Export.closed.is_set()
    assert {name.split("_")[0] for name in Export.threads} == {"export"}


async def test_file_is_sent_completely() -> None:
    status, body = await ask(ThreadHandler(), "/static/css/pages.css")
    assert (status, body) == (200, Path("static/css/pages.css").read_bytes())


async def test_exception_in_a_view_is_answered(handler: ThreadHandler) -> None:
    assert (await ask(handler, "/broken/"))[0] == 500


@pytest.mark.django_db(transaction=True)
async def test_threads_read_the_database_and_the_body(handler: ThreadHandler) -> None:
    assert await ask(handler, "/reading/", b"of a client") == (200, b"7 of a client")


def test_application_uses_the_thread_handler() -> None:
    from pytrade.asgi import application

    assert isinstance(application.application_mapping["http"].site, ThreadHandler)
