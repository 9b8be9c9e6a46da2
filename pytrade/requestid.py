"""Request ids, in the response and in every log line of the request."""

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars

PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class RequestIdMiddleware:
    """Keeps the X-Request-ID of a proxy or client if it is well-formed, otherwise makes one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if PLAIN.fullmatch(given) else secrets.token_hex(8)
        clear_contextvars()
        bind_contextvars(request=request_id)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response
