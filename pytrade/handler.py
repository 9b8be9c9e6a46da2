"""Django below ASGI with one hop: a request has a thread from its first middleware to its view."""

from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest


class ThreadHandler(ASGIHandler):
    """Runs middleware and views as WSGI does; what a streaming response yields stays async.

    Django's own handler changes between loop and thread wherever one middleware is async and the
    next is not. That costs time, and a client that goes meanwhile can leave both sides waiting
    for each other.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> Any:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)
