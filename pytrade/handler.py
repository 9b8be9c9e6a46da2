"""Django's ASGI handler with one thread per request, from its first middleware to its view.

Django's own handler switches between loop and thread wherever one middleware is async and the next
is not, and starts a thread, with a database connection, for each request. That triples the cost of
a response of 500 candles, and a client that disconnects meanwhile can cause a deadlock.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import close_old_connections
from django.http import FileResponse, HttpRequest
from django.urls import Resolver404, URLResolver, get_resolver, set_script_prefix

from web.clients import ClientGone, check_client, client_of_request

PROBES: Final = ("/livez", "/readyz", "/health")
"""Each has its own thread: both answer while all other threads wait for a hung database."""
MOST_PATHS: Final = 512
"""Paths of which the handler remembers what answers them: programs ask for few, again and again."""


class ThreadHandler(ASGIHandler):
    """Runs middleware and views as WSGI does, in WEB_THREADS permanent threads.

    Exports share one thread, block by block in turn, so that other requests never wait for them,
    however many there are. The loop sends what streaming responses yield and watches for
    disconnects; views with long computations check for them with web.clients.
    """

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="web")
        self._exports = ThreadPoolExecutor(1, thread_name_prefix="export")
        self._probes = {path: ThreadPoolExecutor(1, thread_name_prefix=path[1:]) for path in PROBES}

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        if is_asynchronous(scope):
            await super().handle(scope, receive, send)
            return
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        listening = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            response = await self._answer_to_client(scope, body, listening)
            if response.streaming:
                await self._stream(response, listening, send)
            elif not listening.done():
                await self.send_response(response, send)
        except ClientGone:
            body.close()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _answer_to_client(self, scope: Any, body: Any, listening: asyncio.Task[None]) -> Any:
        """Return the response; the view can see when its client disconnects meanwhile."""
        gone = threading.Event()
        listening.add_done_callback(lambda task: gone.set())
        threads = self._probes.get(scope["path"], self._threads)
        with client_of_request(gone):
            return await in_thread(threads, self._answer, scope, body)

    async def _stream(self, response: Any, listening: asyncio.Task[None], send: Any) -> None:
        """Send until the response ends or its client disconnects, whichever comes first."""
        threads = self._threads if isinstance(response, FileResponse) else self._exports
        if not response.is_async:
            response.streaming_content = pieces(response.streaming_content, threads)
        sending = asyncio.create_task(self.send_response(response, send))
        try:
            await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await in_thread(threads, response.close)  # after the current piece

    async def get_response_async(self, request: HttpRequest) -> Any:
        return await in_thread(self._threads, self._respond, request)

    def _respond(self, request: HttpRequest) -> Any:
        try:
            return self.get_response(request)
        finally:
            close_old_connections()  # of this thread: another one may see the response end

    def _answer(self, scope: Any, body: Any) -> Any:
        """Return the response to a request; close it unless it is a stream.

        Raises ClientGone where the client disconnected while the request waited for a thread.
        """
        check_client()
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        if request is None:
            body.close()
        response: Any = refusal if request is None else self._respond(request)
        response._handler_class = type(self)
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            response.close()
        return response


async def pieces(content: Iterable[bytes], threads: ThreadPoolExecutor) -> AsyncIterator[bytes]:
    """Yield pieces computed in threads, each when the one before is sent."""
    made = iter(content)
    while (piece := await in_thread(threads, next_piece, made)) is not None:
        yield piece


def next_piece(made: Iterator[bytes]) -> bytes | None:
    """Return the next piece, None at the end; hold no database connection between pieces."""
    try:
        return next(made, None)
    finally:
        close_old_connections()


async def in_thread(
    threads: ThreadPoolExecutor, function: Callable[..., Any], *arguments: Any
) -> Any:
    call = sync_to_async(function, thread_sensitive=False, executor=threads)
    return await call(*arguments)


def is_asynchronous(scope: Any) -> bool:
    """Return whether an asynchronous view answers a request."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return leads_to_coroutine(get_resolver(), path)


@lru_cache(MOST_PATHS)
def leads_to_coroutine(resolver: URLResolver, path: str) -> bool:
    try:
        return iscoroutinefunction(resolver.resolve(path).func)
    except Resolver404:
        return False
