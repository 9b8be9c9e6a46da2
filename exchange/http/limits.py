"""Limits of requests that change something, per API key or account."""

from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.permissions import SAFE_METHODS
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from exchange.http.buckets import Buckets

buckets = Buckets()


class OrderThrottle(BaseThrottle):  # type: ignore[misc]  # REST framework ships no types
    """EXCHANGE_ORDERS_PER_S orders per second, EXCHANGE_ORDERS_BURST at once."""

    def allow_request(self, request: Any, view: Any) -> bool:
        self._wait_s = 0.0
        if request.method not in SAFE_METHODS:
            limits = settings.EXCHANGE_ORDERS_PER_S, settings.EXCHANGE_ORDERS_BURST
            self._wait_s = buckets.take(request.user.pk, *limits)
        return not self._wait_s

    def wait(self) -> float:
        return self._wait_s


class PracticeThrottle(SimpleRateThrottle):  # type: ignore[misc]  # REST framework ships no types
    """PRACTICE_RATE practice accounts per address."""

    scope = "practice"
    cache = cache

    def allow_request(self, request: Any, view: Any) -> bool:
        return request.method in SAFE_METHODS or bool(super().allow_request(request, view))

    def get_rate(self) -> str | None:
        return settings.PRACTICE_RATE or None

    def get_cache_key(self, request: Any, view: Any) -> str:
        return f"practice:{self.get_ident(request)}"


LIMITS: list[Any] = [*api_settings.DEFAULT_THROTTLE_CLASSES, OrderThrottle]
PRACTICE_LIMITS: list[Any] = [*api_settings.DEFAULT_THROTTLE_CLASSES, PracticeThrottle]
