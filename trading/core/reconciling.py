"""Recovery: what we know of orders and positions, compared with what the venue says.

The comparison decides, and changes nothing. Carrying out its findings and comparing again leaves
only those that need a person, so recovery may run at any time, and again after a crash of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from trading.core.orderstates import OrderLife, OrderState
from trading.core.reports import ContradictionError, steps
from trading.core.transitions import IllegalTransitionError
from venues.brokers import OrderReport, VenueState


class Trouble(IntEnum):
    """What does not agree."""

    STATUS_MISMATCH = 0
    NOT_FOUND = 1
    """We have it, the venue does not."""
    NOT_OURS = 2
    """The venue has it open, we do not."""
    HANGING = 3
    CONTRADICTION = 4
    """What the venue says cannot follow from what it said before."""
    POSITION_MISMATCH = 5


class Remedy(IntEnum):
    """What recovery does about it."""

    APPLY = 0
    """Count the executions, then apply the report."""
    WAIT = 1
    """A request for it may still be on its way."""
    CANCEL = 2
    """Cancel it at the venue."""
    TELL = 3
    """A person must decide."""


@dataclass(frozen=True, kw_only=True)
class Ours:
    """An order that is not final for us. Times are microseconds of our clock."""

    client_id: str
    life: OrderLife
    changed_at: int
    sent_at: int | None = None
    """The newest attempt to send it; None if there was none."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that does not agree: an order by client id, or a position by symbol."""

    trouble: Trouble
    remedy: Remedy
    name: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The present, after how long a request can no longer be on its way to the venue, and after
    how long in an intermediate state an order is hanging."""

    now: int
    in_flight_us: int
    hanging_us: int


def compare_orders(
    ours: Iterable[Ours], theirs: Mapping[str, OrderReport], clock: Clock
) -> Iterator[Finding]:
    """Compare our working orders with the venue's report of each.

    `theirs` has a report of every order of ours: ask for each by its client id.
    """
    for order in ours:
        finding = _compare(order, theirs[order.client_id], clock)
        if finding is not None:
            yield finding


def find_strangers(
    open_there: Iterable[str], known: frozenset[str], prefix: str
) -> Iterator[Finding]:
    """Return the open orders of the venue that are not among our working ones, which are `known`.

    Those whose client id begins with the prefix of our bots are what is left of a lost database, or
    arrived after they had been given up: they are cancelled. Others belong to somebody else who
    uses the account.
    """
    for client_id in open_there:
        if client_id not in known:
            is_lost = client_id.startswith(prefix)
            yield Finding(
                trouble=Trouble.NOT_OURS,
                remedy=Remedy.CANCEL if is_lost else Remedy.TELL,
                name=client_id,
                text="it is open at the venue, and not among our working orders",
            )


def compare_positions(ours: Mapping[str, int], theirs: Mapping[str, int]) -> Iterator[Finding]:
    """Compare what is held in lots; run it after executions were counted."""
    for symbol in sorted({*ours, *theirs}):
        mine, there = ours.get(symbol, 0), theirs.get(symbol, 0)
        if mine != there:
            yield Finding(
                trouble=Trouble.POSITION_MISMATCH,
                remedy=Remedy.TELL,
                name=symbol,
                text=f"we have {mine:+d} lots, the venue {there:+d}",
            )


def _compare(order: Ours, report: OrderReport, clock: Clock) -> Finding | None:
    if report.state is VenueState.UNKNOWN:
        return _missing(order, clock)
    try:
        missed = steps(order.life, report)
    except (ContradictionError, IllegalTransitionError) as error:
        return Finding(
            trouble=Trouble.CONTRADICTION,
            remedy=Remedy.TELL,
            name=order.client_id,
            text=str(error),
        )
    if missed:
        before, after = order.life.state.name, missed[-1].life.state.name
        return Finding(
            trouble=Trouble.STATUS_MISMATCH,
            remedy=Remedy.APPLY,
            name=order.client_id,
            text=f"we have {before}, the venue's report makes it {after}",
        )
    return _hanging(order, clock)


def _missing(order: Ours, clock: Clock) -> Finding:
    """Judge an order that the venue does not have.

    It is proved that it never will only after the time that a request may be on its way.
    """
    sent = order.sent_at
    is_settled = sent is None or clock.now - sent > clock.in_flight_us
    what = "was never sent" if sent is None else f"was sent {_seconds(clock.now - sent)} s ago"
    return Finding(
        trouble=Trouble.NOT_FOUND,
        remedy=Remedy.APPLY if is_settled else Remedy.WAIT,
        name=order.client_id,
        text=f"the venue does not know it; it {what}",
    )


def _hanging(order: Ours, clock: Clock) -> Finding | None:
    """Judge an order on which both agree: an intermediate state must not last."""
    age = clock.now - order.changed_at
    is_between = order.life.state in (OrderState.PENDING, OrderState.PARTIALLY_FILLED)
    if not is_between or age <= clock.hanging_us:
        return None
    return Finding(
        trouble=Trouble.HANGING,
        remedy=Remedy.TELL,
        name=order.client_id,
        text=f"it has been {order.life.state.name} for {_seconds(age)} s",
    )


def _seconds(microseconds: int) -> int:
    return microseconds // 1_000_000
