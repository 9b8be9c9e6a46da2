from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from psycopg import errors, sql

from pytrade.databases import shown
from quotes.management.base import QuietCommand


class Command(QuietCommand):
    help = (
        "Create what is missing of the database: the PostgreSQL database itself, its schema and "
        "the tables. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        made = {"database": shown(settings.DATABASE_URL), "created": self.created()}
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        call_command("migrate", verbosity=0)
        self.finish({**made, "schema": settings.DATABASE_SCHEMA, "migrations_applied": missing})

    def created(self) -> bool:
        """Create the database unless it exists; return whether it was missing."""
        if connection.vendor != "postgresql":
            return False  # SQLite makes its file
        name = str(connection.settings_dict["NAME"])
        try:
            connect(name).close()
        except psycopg.OperationalError as error:
            if not lacks(name):
                address = shown(settings.DATABASE_URL)
                raise CommandError(f"cannot use {address}: {str(error).strip()}") from error
            create(name)
            return True
        return False


def lacks(name: str) -> bool:
    """Return whether the server answers, and has no database of that name."""
    try:
        with connect() as server:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            return server.execute(query, [name]).fetchone() is None
    except psycopg.OperationalError:
        return False


def create(name: str) -> None:
    """Create a database; raise CommandError if the role may not."""
    try:
        with connect() as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except errors.InsufficientPrivilege as error:
        role = connection.settings_dict["USER"]
        raise CommandError(
            f"the database {name} does not exist, and role {role} may not create it: as an "
            f"administrator, run CREATE DATABASE {name} OWNER {role}"
        ) from error


def connect(name: str = "postgres") -> psycopg.Connection:
    """Connect to a database of the server, without the pool; the default one always exists."""
    given = connection.settings_dict
    return psycopg.connect(
        host=given["HOST"] or given["OPTIONS"].get("host"),
        port=given["PORT"] or None,
        user=given["USER"] or None,
        password=given["PASSWORD"] or None,
        dbname=name,
        autocommit=True,
        connect_timeout=5,
    )
