"""The audit log cannot be emptied, not even after a test that committed to it."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.db import connection

append_only = import_module("trading.migrations.0002_append_only")


@pytest.fixture
def committed_log(transactional_db: None) -> Iterator[None]:
    """Let a test commit audit entries, and empty the log after it."""
    yield
    unprotected()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM trading_auditentry")
    with connection.schema_editor() as editor:
        append_only.protect(None, editor)


def unprotected() -> None:
    """Drop the triggers of the audit log."""
    with connection.schema_editor() as editor:
        append_only.release(None, editor)
