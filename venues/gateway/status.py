"""What the gateway does now, as the process with the connections reports it."""

from typing import Any

from django.conf import settings
from django.db.models import Count

from venues.gateway import running
from venues.gateway.models import DERIBIT, Connection, ConnectionState, PriceTicker
from venues.gateway.reporting import pool_now, reported


def status() -> dict[str, Any]:
    tickers = PriceTicker.objects.annotate(followers=Count("subscriptions")).filter(followers__gt=0)
    is_here = running.is_running()
    return {
        "name": DERIBIT,
        "url": settings.DERIBIT_URL,
        "requests_per_s": settings.DERIBIT_REQUESTS_PER_S,
        "fetch_s": settings.DERIBIT_FETCH_S,
        "pool": pool_now(running.current_gateway().pool) if is_here else reported(),
        "connections": Connection.objects.filter(state=ConnectionState.OPEN).count(),
        "tickers": [
            {"ticker": each.name, "followers": each.followers, "error": each.error}
            for each in tickers.order_by("name")
        ],
    }
