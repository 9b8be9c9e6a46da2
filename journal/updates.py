"""Updates of rows by their keys, many with one statement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from journal import statements

INTEGER: Final = "bigint"
Missing = Callable[[int, int], Exception]
"""Makes the error to raise from how many rows were found, and how many were to be updated."""


@dataclass(frozen=True, kw_only=True)
class Update:
    """Sets columns of the rows with certain keys, all of them integers unless `types` says so.

    A row of values holds those of `to`, which columns get, those of `by`, which are added to
    columns, and the keys. `always` is assigned to each row, e.g. "done = TRUE".
    """

    table: str
    keys: Sequence[str]
    to: Sequence[str] = ()
    by: Sequence[str] = ()
    always: Sequence[str] = ()
    types: tuple[tuple[str, str], ...] = ()

    def execute(self, rows: Sequence[tuple[Any, ...]], missing: Missing) -> None:
        """Update the row of each key; keys differ. Raise `missing(...)` where one has none.

        In `statements.together`, the error is raised once the statements have been executed.
        """
        if not rows:
            return

        def check(found: int, _: object = None) -> None:
            if found != len(rows):
                raise missing(found, len(rows))

        if connection.vendor == "postgresql":
            columns = [list(column) for column in zip(*rows, strict=True)]
            statements.execute(self._for_all(), columns, check)
            return
        with connection.cursor() as cursor:
            cursor.executemany(self._for_each(), rows)
            check(cursor.rowcount)

    def _for_each(self) -> str:
        sets = [f"{name} = %s" for name in self.to] + [f"{name} = {name} + %s" for name in self.by]
        where = " AND ".join(f"{name} = %s" for name in self.keys)
        return f"UPDATE {self.table} SET {', '.join([*sets, *self.always])} WHERE {where}"  # noqa: S608 - names from our code

    def _for_all(self) -> str:
        types = dict(self.types)
        columns = [*self.to, *self.by, *self.keys]
        given = ", ".join(f"%s::{types.get(name, INTEGER)}[]" for name in columns)
        names = [f"given{index}" for index in range(len(columns))]
        by = [f"{name} = kept.{name} + " for name in self.by]
        sets = map(str.__add__, [*(f"{name} = " for name in self.to), *by], names)
        where = " AND ".join(
            f"kept.{name} = {value}"
            for name, value in zip(self.keys, names[-len(self.keys) :], strict=True)
        )
        return (
            f"UPDATE {self.table} AS kept SET {', '.join([*sets, *self.always])} "  # noqa: S608 - names from our code
            f"FROM unnest({given}) AS new({', '.join(names)}) WHERE {where}"
        )
