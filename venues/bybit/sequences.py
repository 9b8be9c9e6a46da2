"""Numbers that Bybit gives to events. Pure."""

from market.keys import row_key


def cross_sequence(at: int) -> int:
    """Return `seq` of a book, trade or execution: the engine's time in microseconds.

    It never decreases, and compares books of all depths with trades: a book of `seq` contains
    everything that trades up to this `seq` did.
    """
    return at


def trade_id(instrument_id: int, seq: int) -> str:
    """Return the execution id of a trade: the same in public trades and for both its parties."""
    return str(row_key(instrument_id, seq))
