"""Django's ASGI handler with one thread per request, from its first middleware to its view.

Django's own handler switches between loop and thread wherever one middleware is async and the next
is not, and starts a thread, with a database connection, for each request. That triples the work of
an answer of 500 candles, and a client that disconnects meanwhile can leave both sides waiting for
each other.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import close_old_connections
from django.http import FileResponse, HttpRequest
from django.urls import Resolver404, resolve, set_script_prefix

PROBE = "/livez"
"""Answered by a thread of its own: a process whose other threads are all busy is still alive."""


class ThreadHandler(ASGIHandler):
    """Runs middleware and views as WSGI does, in WEB_THREADS permanent threads.

    Exports are made in a thread of their own, block by block in turn, so that however many there
    are, other requests do not wait for them. The loop sends what streaming responses yield, and
    watches for disconnects.
    """

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="web")
        self._exports = ThreadPoolExecutor(1, thread_name_prefix="export")
        self._probes = ThreadPoolExecutor(1, thread_name_prefix="probe")

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
        threads = self._probes if scope["path"] == PROBE else self._threads
        response = await in_thread(threads, self._answer, scope, body)
        if not response.streaming:  # and closed
            await self.send_response(response, send)
            return
        threads = self._threads if isinstance(response, FileResponse) else self._exports
        try:
            if not response.is_async:
                response.streaming_content = pieces(response.streaming_content, threads)
            await self._stream(response, receive, send)
        finally:  # after the piece that is being made
            await in_thread(threads, response.close)

    async def _stream(self, response: Any, receive: Any, send: Any) -> None:
        """Send until the response ends or its client disconnects, whichever comes first."""
        sending = asyncio.create_task(self.send_response(response, send))
        listening = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            sending.cancel()
            listening.cancel()
            await asyncio.gather(sending, listening, return_exceptions=True)

    async def get_response_async(self, request: HttpRequest) -> Any:
        return await in_thread(self._threads, self._respond, request)

    def _respond(self, request: HttpRequest) -> Any:
        try:
            return self.get_response(request)
        finally:
            close_old_connections()  # of this thread: another one may see the response end

    def _answer(self, scope: Any, body: Any) -> Any:
        """Return the response to a request; close it unless it is a stream."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        request, response = self.create_request(scope, body)
        if request is None:
            body.close()
        else:
            response = self._respond(request)
        response._handler_class = type(self)
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            response.close()
        return response


async def pieces(content: Iterable[bytes], threads: ThreadPoolExecutor) -> AsyncIterator[bytes]:
    """Yield what is made piece by piece in threads, each when the one before is sent."""
    made = iter(content)
    while (piece := await in_thread(threads, next_piece, made)) is not None:
        yield piece


def next_piece(made: Iterator[bytes]) -> bytes | None:
    """Return the next piece, None at the end; keep no database connection until the one after."""
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
    """Tell whether an asynchronous view answers a request."""
    try:
        view = resolve(scope["path"].removeprefix(scope.get("root_path", ""))).func
    except Resolver404:
        return False
    return iscoroutinefunction(view)
