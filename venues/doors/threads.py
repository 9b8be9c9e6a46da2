"""Threads in which sockets of doors execute requests, which may write and wait."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")
_threads: Final = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="trade")


async def in_thread(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Return `function(...)`, run in one of WEB_THREADS threads."""

    def call() -> T:
        try:
            return function(*arguments, **named)
        finally:
            close_old_connections()

    return await sync_to_async(call, thread_sensitive=False, executor=_threads)()
