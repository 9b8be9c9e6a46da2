"""Connection settings for the two supported databases."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"


def connection_settings(url: str) -> dict[str, Any]:
    """Return Django's connection settings for a `sqlite:///` or `postgres://` URL.

    SQLite: write-ahead log, so that readers never wait for the writer; immediate
    transactions, so that a writer waits at BEGIN (busy timeout) instead of failing in the
    middle. PostgreSQL: a pool per process, because ASGI requests run in changing threads.
    """
    try:
        settings: dict[str, Any] = environ.Env.db_url_config(url)
    except (ValueError, KeyError):
        # Not the error itself: it may quote a part of the password.
        raise ImproperlyConfigured(f"DATABASE_URL {shown(url)!r} cannot be read") from None
    if settings.get("ENGINE") == SQLITE:
        settings["CONN_MAX_AGE"] = None  # threads stay: pytrade/handler.py
        settings["OPTIONS"] = {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                "PRAGMA cache_size=-65536; PRAGMA mmap_size=268435456"
            ),
        }
    elif settings.get("ENGINE") == POSTGRESQL:
        settings["CONN_HEALTH_CHECKS"] = True
        settings["OPTIONS"] = {
            # For the cursors of archive/database.py alone, as Django's own never prepare. Their
            # statements have one good plan, a range of one index: none is made per call.
            "prepare_threshold": 2,
            "options": "-c plan_cache_mode=force_generic_plan",
            **settings.get("OPTIONS", {}),
            # A server that was away is found within a second: the pool's own pauses double.
            "pool": {"min_size": 1, "max_size": 20, "timeout": 2, "reconnect_timeout": 1},
        }
    else:
        raise ImproperlyConfigured(
            f"DATABASE_URL {shown(url)!r} names no supported database: "
            "use sqlite:/// or postgres://"
        )
    return settings


def shown(url: str) -> str:
    """Return `url` without user and password, however badly it is formed."""
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
