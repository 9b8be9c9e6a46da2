"""Records of a stream as arrays, with all fields of their kind: for audits and the live path."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from archive import rangescans
from archive.database import fetch
from archive.selections import Selection, select
from instruments.models import Instrument
from market.keys import key_range, row_key
from market.kinds import HEADER, Kind, Rows, rows_of

BYTES_CHUNK: Final = 256
"""Records with bytes per SELECT."""


def chunks(
    kind: Kind,
    instrument: Instrument,
    since: int,
    until: int,
    size: int = 0,
    *,
    with_bytes: bool = True,
) -> Iterator[Rows]:
    """Yield the stored records with since < seq <= until, ascending, at most `size` at a time.

    Size 0: as many as fit one SELECT. Without `with_bytes`, fields of bytes are None and not read.
    """
    blobs = kind.bytes_fields
    selection = _between(kind, instrument, since, until, () if with_bytes else blobs)
    size = size or (BYTES_CHUNK if blobs and with_bytes else rangescans.CHUNK)
    for chunk in rangescans.chunks(selection, instrument.lattice, size=size):
        if len(chunk):
            absent = {} if with_bytes else {name: np.full(len(chunk), None) for name in blobs}
            yield rows_of(kind, instrument.pk, {**chunk.numbers, **absent})


def read(kind: Kind, instrument: Instrument, since: int, until: int) -> Rows:
    """Return the stored records with since < seq <= until, ascending."""
    found = rangescans.read(_between(kind, instrument, since, until), instrument.lattice)
    return rows_of(kind, instrument.pk, found.numbers)


def newest_seq(kind: Kind, instrument: Instrument) -> int:
    """Return the greatest stored seq, 0 where there is none."""
    lowest, highest = key_range(instrument.pk)
    ((newest,),) = fetch(
        f"SELECT max(id) FROM {kind.table} WHERE id > %s AND id < %s",  # noqa: S608 - our own names
        [lowest, highest],
    )
    return 0 if newest is None else int(newest) - lowest


def _between(
    kind: Kind, instrument: Instrument, since: int, until: int, without: Sequence[str] = ()
) -> Selection:
    omitted = {HEADER[0][0], *without}
    fields = [name for name in kind.dtype.names or () if name not in omitted]
    stream = select(kind, instrument.pk, since=since, fields=fields)
    return stream.within(before=row_key(instrument.pk, until) + 1)
