"""Empty the database after a test that commits.

Django's flush truncates every table, then deletes and recreates all content types and permissions,
which takes longer than most tests.
"""

from typing import Final

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection, transaction
from django.test import TransactionTestCase

KEPT: Final = {"django_migrations", ContentType._meta.db_table, Permission._meta.db_table}
"""Tables that `migrate` fills and no test changes."""


def empty_filled_tables(_: TransactionTestCase) -> None:
    """Delete all rows of the tables that have any, except KEPT."""
    if filled := filled_tables():
        statements = connection.ops.sql_flush(no_style(), filled, allow_cascade=True)
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def filled_tables() -> list[str]:
    existing = connection.introspection.django_table_names(only_existing=True)
    names = [name for name in existing if name not in KEPT]
    queries = [f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(queries))
        return [name for (name,) in cursor.fetchall()]
