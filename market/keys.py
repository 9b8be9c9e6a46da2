"""Primary keys of records: `instrument << 40 | seq`, unique and ordered by seq."""

from typing import Final

SEQ_BITS: Final = 40
LARGEST_SEQ: Final = 2**SEQ_BITS - 1


class SeqRangeError(ValueError):
    """The seq does not fit in a key."""


def row_key(instrument_id: int, seq: int) -> int:
    """Return the key of record `seq` of an instrument; seq 0 gives the key before the first.

    Raise SeqRangeError outside 0 .. 2^40 - 1, where keys would belong to another instrument.
    """
    if not 0 <= seq <= LARGEST_SEQ:
        raise SeqRangeError(f"seq {seq} is outside 0..{LARGEST_SEQ}")
    return (instrument_id << SEQ_BITS) + seq


def key_range(instrument_id: int) -> tuple[int, int]:
    """Return the exclusive bounds of the keys of an instrument."""
    return row_key(instrument_id, 0), row_key(instrument_id + 1, 0)
