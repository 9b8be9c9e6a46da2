"""Which event a fill, or the end of an order, is to a position."""

from trading.core.positionstates import PositionEvent, PositionState


def parts(held: int, side: int, lots: int) -> list[int]:
    """Split a fill so that no part crosses zero: what closes first, then what opens."""
    closing = min(lots, max(0, -side * held))
    return [part for part in (closing, lots - closing) if part]


def of_fill(state: PositionState, before: int, after: int) -> PositionEvent:
    """Return the event of a fill that changes the lots held, without crossing zero."""
    if before == after or before * after < 0:
        raise ValueError(f"a fill from {before:+d} to {after:+d} lots: split it at zero")
    if not after:
        return PositionEvent.FLAT
    if abs(after) < abs(before):
        is_exit = state is PositionState.CLOSING
        return PositionEvent.EXIT_FILLED if is_exit else PositionEvent.REDUCED
    is_entry = state is PositionState.OPENING
    return PositionEvent.ENTRY_FILLED if is_entry else PositionEvent.INCREASED


def of_no_working_orders(state: PositionState, lots: int) -> PositionEvent | None:
    """Return what it means to a position that none of its orders is working any more."""
    if state is PositionState.OPENING:
        return PositionEvent.ENTRY_ENDED if lots else PositionEvent.FLAT
    if state is PositionState.CLOSING and lots:
        return PositionEvent.EXIT_ENDED
    return None
