"""Records of a stream as arrays, with all fields of their kind: for audits and the live path."""

from collections.abc import Iterator

from archive import scanning
from archive.database import fetch
from archive.selections import Selection, select
from instruments.models import Instrument
from market.keys import key_range, row_key
from market.kinds import HEADER, Kind, Rows, rows_of


def chunks(
    kind: Kind, instrument: Instrument, since: int, until: int, size: int = scanning.CHUNK
) -> Iterator[Rows]:
    """Yield the stored records with since < seq <= until, ascending, at most `size` at a time."""
    selection = _between(kind, instrument, since, until)
    for chunk in scanning.chunks(selection, instrument.lattice, size=size):
        if len(chunk):
            yield rows_of(kind, instrument.pk, chunk.numbers)


def read(kind: Kind, instrument: Instrument, since: int, until: int) -> Rows:
    """Return the stored records with since < seq <= until, ascending."""
    found = scanning.read(_between(kind, instrument, since, until), instrument.lattice)
    return rows_of(kind, instrument.pk, found.numbers)


def newest_seq(kind: Kind, instrument: Instrument) -> int:
    """Return the greatest stored seq, 0 where there is none."""
    lowest, highest = key_range(instrument.pk)
    ((newest,),) = fetch(
        f"SELECT max(id) FROM {kind.table} WHERE id > %s AND id < %s",  # noqa: S608 - our own names
        [lowest, highest],
    )
    return 0 if newest is None else int(newest) - lowest


def _between(kind: Kind, instrument: Instrument, since: int, until: int) -> Selection:
    fields = [name for name in kind.dtype.names or () if name != HEADER[0][0]]
    stream = select(kind, instrument.pk, since=since, fields=fields)
    return stream.within(before=row_key(instrument.pk, until) + 1)
