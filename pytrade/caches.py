"""Settings of the caches that processes share."""

from typing import Any


def shared_cache(redis_url: str, name: str, timeout_s: float, entries: int = 512) -> dict[str, Any]:
    """Return Django's settings of a cache in Redis, whose calls fail after `timeout_s`.

    Without Redis, i.e. an empty URL, each process has its own in memory, of so many `entries`.
    """
    if not redis_url:
        return {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": name,
            "OPTIONS": {"MAX_ENTRIES": entries},
        }
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis_url,
        "KEY_PREFIX": name,
        "OPTIONS": {
            "pool_class": "web.redispools.ProcessPool",
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
        },
    }
