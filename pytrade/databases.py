"""Connection settings for the two supported databases."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"


def connection_settings(url: str) -> dict[str, Any]:
    """Return Django's connection settings for a `sqlite:///` or `postgres://` URL.

    SQLite: write-ahead log, so readers never wait for the writer; immediate transactions, so a
    writer waits at BEGIN (busy timeout) instead of failing later. PostgreSQL: a connection pool
    per process, because ASGI requests run in changing threads.
    """
    try:
        settings: dict[str, Any] = environ.Env.db_url_config(url)
    except (ValueError, KeyError):
        # The original error is suppressed because it may quote part of the password.
        raise ImproperlyConfigured(f"DATABASE_URL {shown(url)!r} is not a valid URL") from None
    if settings.get("ENGINE") == SQLITE:
        settings["CONN_MAX_AGE"] = None  # request threads are permanent: pytrade/handler.py
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
            # Only for the cursors of archive/scans.py; Django's cursors never prepare statements.
            # Each statement is an index range scan, so one generic plan serves every call.
            "prepare_threshold": 2,
            "options": "-c plan_cache_mode=force_generic_plan",
            **settings.get("OPTIONS", {}),
            # Reconnect within a second of an outage; otherwise the pool backs off exponentially.
            "pool": {"min_size": 1, "max_size": 20, "timeout": 2, "reconnect_timeout": 1},
        }
    else:
        raise ImproperlyConfigured(
            f"DATABASE_URL {shown(url)!r} is not a supported database: "
            "use sqlite:/// or postgres://"
        )
    return settings


def shown(url: str) -> str:
    """Return `url` without user and password, even if it is malformed."""
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
