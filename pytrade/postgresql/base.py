"""Django's PostgreSQL backend, with three differences.

Migrations take as long as they need, queries are not logged, and a pooled connection is tested
without asking the server, which would be one of the three round trips of a request.
"""

import select
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from django.db.backends.postgresql import base, schema
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool

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

    def get_new_connection(self, conn_params: Any) -> Any:
        """Return a connection; of the pool, one that the server has not closed."""
        found = super().get_new_connection(conn_params)
        while self.pool and has_ended(found):
            self.pool.putconn(found)
            found = super().get_new_connection(conn_params)
        return found


def has_ended(connection: Connection[Any]) -> bool:
    """Return whether the server has closed an idle connection.

    Only what a server sent unasked makes a round trip necessary: the end, or e.g. a notice.
    """
    if connection.closed:
        return True
    unread = select.poll()
    unread.register(connection.fileno(), select.POLLIN)
    if not unread.poll(0):
        return False
    try:
        ConnectionPool.check_connection(connection)
    except OperationalError:
        connection.close()
    return connection.closed
