"""Records of a stream as arrays, in chunks: what audits and computations read."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from django.db import connection

from instruments.models import Instrument
from market.keys import row_key
from market.kinds import Kind, Rows

CHUNK = 100_000


def chunks(
    kind: Kind, instrument: Instrument, since: int, until: int, size: int = CHUNK
) -> Iterator[Rows]:
    """Yield the stored records with since < seq <= until, ascending, `size` at a time."""
    while since < until:
        rows = read(kind, instrument, since, until, size)
        if not len(rows):
            return
        yield rows
        since = int(rows["seq"][-1])


def read(kind: Kind, instrument: Instrument, since: int, until: int, limit: int) -> Rows:
    """Return the first `limit` stored records with since < seq <= until, ascending."""
    names = kind.dtype.names or ()
    selected = ", ".join("instrument_id" if name == "instrument" else name for name in names)
    found = _fetch(
        f"SELECT {selected} FROM {kind.table} "  # noqa: S608 - our own names
        "WHERE id > %s AND id <= %s ORDER BY id LIMIT %s",
        [row_key(instrument.pk, since), row_key(instrument.pk, until), limit],
    )
    return np.array(found, dtype=kind.dtype)


def newest_seq(kind: Kind, instrument: Instrument) -> int:
    """Return the greatest stored seq, 0 where there is none."""
    ((newest,),) = _fetch(
        f"SELECT max(id) FROM {kind.table} WHERE id > %s AND id < %s",  # noqa: S608
        [row_key(instrument.pk, 0), row_key(instrument.pk + 1, 0)],
    )
    return 0 if newest is None else newest - row_key(instrument.pk, 0)


def _fetch(sql: str, parameters: list[int]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
