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
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(f"DATABASE_URL {url!r} cannot be read: {error}") from error
    if settings.get("ENGINE") == SQLITE:
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
            # For the cursors of quotes/scans.py alone: Django's own never prepare. Each of their
            # statements has one good plan, a range of one index: none is made per call.
            "prepare_threshold": 2,
            "options": "-c plan_cache_mode=force_generic_plan",
            **settings.get("OPTIONS", {}),
            "pool": {"min_size": 1, "max_size": 20, "timeout": 2},
        }
    else:
        raise ImproperlyConfigured(
            f"DATABASE_URL {url!r} names no supported database: use sqlite:/// or postgres://"
        )
    return settings
