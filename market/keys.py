"""Sequence numbers and the keys of rows: `instrument << 40 | seq`, unique and ordered by seq."""

from typing import Final

SEQ_BITS: Final = 40
LARGEST_SEQ: Final = 2**SEQ_BITS - 1


class SeqRangeError(ValueError):
    """A seq that does not fit into a key."""


def row_key(instrument_id: int, seq: int) -> int:
    """Return the key of record `seq` (0: the key before the first) of an instrument.

    Raise SeqRangeError outside 0 .. 2^40 - 1: a larger seq would be a key of the next instrument.
    """
    if not 0 <= seq <= LARGEST_SEQ:
        raise SeqRangeError(f"seq {seq} is outside 0..{LARGEST_SEQ}")
    return (instrument_id << SEQ_BITS) + seq


def key_range(instrument_id: int) -> tuple[int, int]:
    """Return the keys between which, both exclusive, all rows of an instrument are."""
    return row_key(instrument_id, 0), row_key(instrument_id + 1, 0)
