"""What the gateway does now, as the process with the connections reports it."""

import time
from typing import Any, Final

from django.conf import settings
from django.core.cache import caches
from django.db.models import Count

from venues.gateway import running, vault
from venues.gateway.models import DERIBIT, Connection, ConnectionState, PriceTicker

NONE: Final = {"ready": 0, "taken": 0, "waiting": 0, "requests": 0, "at": None}


def report() -> None:
    """Put the state of the pool into the cache."""
    caches[vault.CACHE].set("pool", pool_now(), None)


def pool_now() -> dict[str, Any]:
    pool = running.current_gateway().pool
    return {
        "ready": pool.ready,
        "taken": pool.taken,
        "waiting": pool.waiting,
        "requests": pool.requests,
        "at": int(time.time() * 1_000),
    }


def status() -> dict[str, Any]:
    tickers = PriceTicker.objects.annotate(followers=Count("subscriptions")).filter(followers__gt=0)
    return {
        "name": DERIBIT,
        "url": settings.DERIBIT_URL,
        "requests_per_s": settings.DERIBIT_REQUESTS_PER_S,
        "fetch_s": settings.DERIBIT_FETCH_S,
        "pool": pool_now() if running.is_running() else caches[vault.CACHE].get("pool", NONE),
        "connections": Connection.objects.filter(state=ConnectionState.OPEN).count(),
        "tickers": [
            {"ticker": each.name, "followers": each.followers, "error": each.error}
            for each in tickers.order_by("name")
        ],
    }
