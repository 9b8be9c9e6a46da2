from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections
from django.db.models.signals import pre_migrate

from pytrade import leaks


class PyTradeConfig(AppConfig):
    name = "pytrade"

    def ready(self) -> None:
        pre_migrate.connect(create_schema, dispatch_uid="schema of DATABASE_SCHEMA")
        if settings.LEAK_TRACE_S > 0:
            leaks.trace(settings.LEAK_TRACE_S)


def create_schema(using: str, **_: Any) -> None:
    """Create the schema of DATABASE_SCHEMA before the first migration."""
    if settings.DATABASE_SCHEMA:
        with connections[using].cursor() as cursor:
            cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{settings.DATABASE_SCHEMA}"')
