"""Retention: the oldest records of a stream are removed, and the stream notes up to where."""

from typing import Final

from django.db import connection, transaction

from journal.models import Stream
from market.keys import row_key
from market.kinds import Kind

AT_ONCE: Final = 1_000
"""Most records removed in one transaction, which other writers wait for."""


def prune(kind: Kind, instrument_id: int, seq: int) -> int:
    """Remove the records of a stream up to `seq`; return how many there were.

    The last record of a stream always remains, because the next one continues it. Rows derived
    from the records remain as well.
    """
    removed = 0
    while step := _prune_some(kind, instrument_id, seq):
        removed += step
    return removed


def _prune_some(kind: Kind, instrument_id: int, seq: int) -> int:
    with transaction.atomic():
        stream = Stream.objects.filter(instrument=instrument_id, kind=kind.name).first()
        if stream is None:
            return 0
        before = stream.pruned_seq
        until = min(seq, before + AT_ONCE, stream.last_seq - 1)
        if until <= before:
            return 0
        bounds = [row_key(instrument_id, before), row_key(instrument_id, until)]
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {kind.table} WHERE id > %s AND id <= %s", bounds)  # noqa: S608 - names from our code
        # At the end, because the writer of the stream waits for this row.
        unchanged = Stream.objects.filter(pk=stream.pk, pruned_seq=before)
        if not unchanged.update(pruned_seq=until):  # by another process, as far or further
            transaction.set_rollback(True)
            return 0
        return until - before
