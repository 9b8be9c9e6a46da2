"""What a venue's report of an order means: the events that it adds to what is known.

Reports may be repeated, may arrive late, and may skip steps. A report that is older than what is
known adds nothing, so applying all reports in any order ends in the state of the newest one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from trading.core.orderstates import OrderEvent, OrderFacts, OrderLife, OrderState
from venues.brokers import OrderReport, VenueState

ENDS: Final = {
    VenueState.CANCELLED: OrderEvent.CANCELLED,
    VenueState.REJECTED: OrderEvent.REJECTED,
    VenueState.EXPIRED: OrderEvent.EXPIRED,
    VenueState.UNKNOWN: OrderEvent.NOT_FOUND,
}


@dataclass(frozen=True)
class Step:
    """An event and the order after it."""

    event: OrderEvent
    life: OrderLife


class ContradictionError(ValueError):
    """A report says the opposite of what the venue said before."""


def steps(life: OrderLife, report: OrderReport) -> list[Step]:
    """Return what a report adds to an order, in the order of the table; [] if nothing.

    Raise ContradictionError where the report cannot be true together with earlier ones.
    """
    if life.is_final:
        check_end(life, report)
        return []
    found: list[Step] = []
    if report.number < life.reported:
        return found
    life = replace(life, reported=report.number)
    for event, facts in _events(life, report):
        life = life.after(event, facts)
        found.append(Step(event, life))
    return found


def check_end(life: OrderLife, report: OrderReport) -> None:
    """Raise ContradictionError if a report shows that a final state was wrong."""
    filled_more = report.filled > life.facts.filled
    ended_otherwise = (
        report.state is VenueState.FILLED and life.state is not OrderState.FILLED
    ) or (report.state in ENDS and life.state is OrderState.FILLED and report.lots > report.filled)
    if filled_more or (ended_otherwise and report.state is not VenueState.UNKNOWN):
        raise ContradictionError(
            f"the order is {life.state.name} with {life.facts.filled} of {life.facts.lots} lots "
            f"filled, but the venue says {report.state.name} with {report.filled} of {report.lots}"
        )


def _events(life: OrderLife, report: OrderReport) -> Iterator[tuple[OrderEvent, OrderFacts | None]]:
    known = life.facts
    if report.state is VenueState.UNKNOWN:
        yield OrderEvent.NOT_FOUND, None
        return
    if report.filled < known.filled:
        return  # older than what is known
    if report.state is VenueState.REJECTED:
        yield OrderEvent.REJECTED, None
        return
    if life.state is OrderState.PENDING and report.state is VenueState.WORKING:
        yield OrderEvent.ACCEPTED, known
    is_whole = report.state is VenueState.FILLED
    is_shrunk = (is_whole or report.state in ENDS) and report.lots == known.filled
    if _is_resized(known, report) and not is_shrunk:
        known = _changed(known, lots=report.lots, ticks=report.ticks)
        yield OrderEvent.AMENDED, known
    if report.filled > known.filled:
        known = _changed(known, filled=report.filled)
        yield OrderEvent.FILLED_PARTLY if known.leaves else OrderEvent.FILLED, known
    elif is_whole and is_shrunk and known.leaves:
        yield OrderEvent.FILLED, _changed(known, lots=report.lots)
    if report.state in ENDS and known.leaves:
        yield ENDS[report.state], known


def _changed(known: OrderFacts, **reported: int) -> OrderFacts:
    """Return what is known after a change; raise ContradictionError if no order is like that."""
    try:
        return replace(known, **reported)
    except ValueError as error:
        raise ContradictionError(f"the venue says {reported}: {error}") from error


def _is_resized(known: OrderFacts, report: OrderReport) -> bool:
    return (known.lots, known.ticks) != (report.lots, report.ticks)
