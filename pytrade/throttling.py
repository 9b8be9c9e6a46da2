"""Rate limits of clients, counted in fixed windows, of the API and pages together.

API_RATE applies to an address, API_USER_RATE to a user; each process counts separately.
"""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.throttling import SimpleRateThrottle

from pytrade.access import FOR_PROGRAMS
from web.problems import problem

NEVER_COUNTED = ("/livez", "/readyz", "/health")


class WindowThrottle(SimpleRateThrottle):  # type: ignore[misc]  # REST framework ships no types
    """Counts requests of a client in fixed windows: one number, however high the rate."""

    num_requests: int | None

    def __init__(self) -> None:
        """Leave the rate to `allow_request`: it depends on the user of the request."""

    def allow_request(self, request: Any, view: Any) -> bool:
        user = user_of(request)
        rate = settings.API_RATE if user is None else settings.API_USER_RATE
        self.num_requests, self.duration = self.parse_rate(rate or None)
        if self.num_requests is None:
            return True
        now = time.time()
        window = int(now // self.duration)
        client = f"address:{self.get_ident(request)}" if user is None else f"user:{user.pk}"
        key = f"rate:{client}:{window}"
        self._wait_s = (window + 1) * self.duration - now
        return self._count(key) <= self.num_requests

    def _count(self, key: str) -> int:
        """Return how many requests the window of `key` has seen, this one among them."""
        with suppress(ValueError):  # missing or expired
            return int(cache.incr(key))
        if cache.add(key, 1, timeout=self.duration + 1):
            return 1
        return int(cache.incr(key))

    def wait(self) -> float:
        return float(self._wait_s)


def address_of(request: Any) -> str | None:
    """Return the IP address of a client, as rate limits count it; None if it has none."""
    try:
        return str(ip_address(SimpleRateThrottle.get_ident(WindowThrottle(), request) or ""))
    except ValueError:  # a socket without addresses, or a header that is not one
        return None


def locked_out(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """Answer a login after too many failures."""
    return refusal(request, math.ceil(settings.AXES_COOLOFF_TIME.total_seconds()))


def user_of(request: Any) -> Any:
    """Return the user of a request of Django or of its REST framework, None without one."""
    with suppress(
        OperationalError, InterfaceError
    ):  # the session cannot be read: count the address
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            return user
    return getattr(request, "reader", None)


class PageThrottleMiddleware:
    """Counts requests to views outside the API; API views count their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        counts_itself = WindowThrottle in getattr(
            getattr(view, "cls", None), "throttle_classes", ()
        )
        if counts_itself or request.path in NEVER_COUNTED:
            return None
        throttle = WindowThrottle()
        if throttle.allow_request(request, view):
            return None
        return refusal(request, max(1, math.ceil(throttle.wait())))


def refusal(request: HttpRequest, wait_s: int) -> HttpResponse:
    """Return 429, as a page or as a problem document."""
    status = HTTPStatus.TOO_MANY_REQUESTS
    if FOR_PROGRAMS.match(request.path):
        response = problem(
            status, f"Request was throttled. Expected available in {wait_s} seconds."
        )
    else:
        response = render(request, "429.html", {"wait_s": wait_s}, status=status)
    response["Retry-After"] = str(wait_s)
    return response
