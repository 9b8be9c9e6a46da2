"""Connection settings for the two supported databases."""

import re
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"
TIMEOUT_S = 5.0
"""Default of DATABASE_TIMEOUT_S."""


def connection_settings(url: str, timeout_s: float = TIMEOUT_S, schema: str = "") -> dict[str, Any]:
    """Return Django's connection settings for a `sqlite:///` or `postgres://` URL.

    SQLite: write-ahead log, so readers never wait for the writer; immediate transactions, so a
    writer waits at BEGIN (busy timeout) instead of failing later. PostgreSQL: a connection pool
    per process, because ASGI requests run in changing threads; a statement that takes longer than
    `timeout_s` raises OperationalError, also when the server hangs (0: no limit). Its tables are in
    `schema`, if one is named; otherwise where the server's search path begins.
    """
    try:
        settings: dict[str, Any] = environ.Env.db_url_config(url)
    except (ValueError, KeyError):
        # The original error is suppressed because it may quote part of the password.
        raise ImproperlyConfigured(f"DATABASE_URL {shown(url)!r} is not a valid URL") from None
    check_schema(schema, settings)
    if settings.get("ENGINE") == SQLITE:
        settings["ENGINE"] = "pytrade.sqlite"
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
        if timeout_s < 0:
            raise ImproperlyConfigured(
                f"DATABASE_TIMEOUT_S {timeout_s:g} is negative: use seconds, or 0 for no limit"
            )
        search_path = f" -c search_path={schema}" if schema else ""
        settings["ENGINE"] = "pytrade.postgresql"
        settings["OPTIONS"] = {
            # Only for the cursors of archive/database.py; Django's cursors never prepare.
            # Each statement is an index range scan, so one generic plan serves every call.
            "prepare_threshold": 2,
            "options": "-c plan_cache_mode=force_generic_plan",
            **settings.get("OPTIONS", {}),
            "pool": pool_settings(timeout_s),
        }
        settings["OPTIONS"]["options"] += search_path
    else:
        raise ImproperlyConfigured(
            f"DATABASE_URL {shown(url)!r} is not a supported database: "
            "use sqlite:/// or postgres://"
        )
    return settings


def check_schema(schema: str, settings: dict[str, Any]) -> None:
    """Raise ImproperlyConfigured for a schema that cannot be named, or cannot exist."""
    if not schema:
        return
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema) or schema.startswith("pg_"):
        raise ImproperlyConfigured(
            f"DATABASE_SCHEMA {schema!r} is not a name: use up to 63 of a-z, 0-9 and _, "
            "not beginning with a digit or pg_"
        )
    if settings.get("ENGINE") != POSTGRESQL:
        raise ImproperlyConfigured(
            f"DATABASE_SCHEMA {schema} needs PostgreSQL: DATABASE_URL names another database"
        )


def pool_settings(timeout_s: float) -> dict[str, Any]:
    from pytrade.postgresql.connection import limited_to  # imports psycopg

    # Reconnect within a second: the pool's own pauses double.
    settings: dict[str, Any] = {"min_size": 1, "max_size": 20, "timeout": 2, "reconnect_timeout": 1}
    return settings | ({"connection_class": limited_to(timeout_s)} if timeout_s else {})


def shown(url: str) -> str:
    """Return `url` without user and password, even if it is malformed."""
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
