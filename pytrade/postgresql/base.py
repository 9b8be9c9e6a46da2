"""Django's PostgreSQL backend: migrations take as long as they need, and queries are not logged."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from django.db.backends.postgresql import base, schema

from pytrade.postgresql.connection import LimitedConnection
from pytrade.querylog import QuietConnection


class SchemaEditor(schema.DatabaseSchemaEditor):
    """Lifts the limit while a migration runs: an index of a large table takes minutes."""

    def __enter__(self) -> Self:
        self._lifted = ExitStack()
        self.connection.ensure_connection()
        if isinstance(self.connection.connection, LimitedConnection):
            self._lifted.enter_context(self.connection.connection.unlimited())
        super().__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lifted:
            super().__exit__(kind, error, trace)


class DatabaseWrapper(QuietConnection, base.DatabaseWrapper):
    SchemaEditorClass = SchemaEditor
