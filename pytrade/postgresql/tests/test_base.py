"""Migrations have no time limit; all other statements of Django do."""

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
