"""Empty the database after a test that commits.

Django's flush truncates every table, then deletes and recreates all content types and permissions,
which takes longer than most tests. On PostgreSQL, truncating one table that others refer to creates
the files of dozens of tables and their indexes anew; deleting a test's few rows is much cheaper.
"""

from typing import Final

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection, transaction
from django.test import TransactionTestCase

KEPT: Final = {"django_migrations", ContentType._meta.db_table, Permission._meta.db_table}
"""Tables that `migrate` fills and no test changes."""
WITHOUT_TRIGGERS: Final = "SET LOCAL session_replication_role = replica"
"""Neither foreign keys nor tables that forbid deletes are checked in this transaction."""


def empty_filled_tables(_: TransactionTestCase) -> None:
    """Delete all rows of the tables that have any, except KEPT."""
    if filled := filled_tables():
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in deletions(filled):
                cursor.execute(statement)


def filled_tables() -> list[str]:
    existing = connection.introspection.django_table_names(only_existing=True)
    names = [name for name in existing if name not in KEPT]
    queries = [f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(queries))
        return [name for (name,) in cursor.fetchall()]


def deletions(tables: list[str]) -> list[str]:
    if connection.vendor == "postgresql":
        return [WITHOUT_TRIGGERS, *(f"DELETE FROM {table}" for table in tables)]
    return connection.ops.sql_flush(no_style(), tables, allow_cascade=True)
