"""The state of the pool, which the process with the connections puts into the cache."""

import time
from typing import Any, Final

import structlog
from django.core.cache import caches

from venues.gateway import vault
from venues.gateway.pool import Pool
from web.rediserrors import redis_error

logger = structlog.get_logger(__name__)

REPORT_S: Final = 2.0
KEY: Final = "pool"
NONE: Final[dict[str, Any]] = {
    "ready": 0, "taken": 0, "waiting": 0, "requests": 0, "requests_per_s": 0.0, "ages_s": [],
    "token_ages_s": [], "at": None,
}  # fmt: skip


def pool_now(pool: Pool) -> dict[str, Any]:
    return {
        "ready": pool.ready,
        "taken": pool.taken,
        "waiting": pool.waiting,
        "requests": pool.requests,
        "requests_per_s": pool.requests_per_s,
        "ages_s": pool.ages_s,
        "token_ages_s": pool.token_ages_s,
        "at": int(time.time() * 1_000),
    }


def report(found: dict[str, Any]) -> None:
    """Put the state of the pool into the cache; an outage of the cache is no failure of ours."""
    try:
        caches[vault.CACHE].set(KEY, found, None)
    except redis_error() as error:
        logger.warning("state of the pool not reported", error=str(error))


def reported() -> dict[str, Any]:
    """Return the newest report."""
    return {**NONE, **caches[vault.CACHE].get(KEY, {})}
