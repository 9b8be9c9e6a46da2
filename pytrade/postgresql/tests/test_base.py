"""Migrations have no time limit, other statements have; dead connections are noticed."""

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
SHOW = "SHOW statement_timeout"
LIMIT = f"{settings.DATABASE_TIMEOUT_S:g}s"


def limit() -> str:
    with connection.cursor() as cursor:
        cursor.execute(SHOW)
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize("atomic", [True, False])
def test_migration_has_no_time_limit(atomic: bool) -> None:
    with connection.schema_editor(atomic=atomic):
        assert limit() == "0"
    assert limit() == LIMIT


@pytest.mark.parametrize("atomic", [True, False])
def test_failed_migration_restores_the_time_limit(atomic: bool) -> None:
    with pytest.raises(DatabaseError), connection.schema_editor(atomic=atomic) as editor:
        editor.execute("SELECT * FROM nowhere")
    assert limit() == LIMIT


def test_pooled_connection_that_the_server_closed_is_replaced() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), current_database()")
        dead, name = cursor.fetchone()
    connection.close()  # back into the pool
    with psycopg.connect(settings.DATABASE_URL, dbname=name, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 60000)", [dead])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != dead
