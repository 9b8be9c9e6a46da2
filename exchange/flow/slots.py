"""Slots: their events in order, and the law's step that ends each. The kernel of the flow."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from exchange.engine.kernel import kernel, routine, signed
from exchange.engine.messages import BUY, SELL
from exchange.engine.orderbook import POOLED, is_marketable, orders_at
from exchange.engine.pricelevels import IntArray
from exchange.flow.orders import add, cancel, post_inside, sign_of_order, trade_at_market
from exchange.flow.philox import geometric, uniforms
from exchange.flow.slotevents import (
    ADDS,
    CANCELS,
    IDS_PER_SLOT,
    MARKET_ORDERS,
    POSITION_BITS,
    REFILLS,
    STEPS,
    draw_schedule,
    order_id,
)
from exchange.flow.state import (
    APPLIED,
    AT,
    BACKGROUND,
    EVENT,
    FIRST_ID,
    LAW,
    SLOT,
    Flow,
    Moment,
    has_room_for_event,
    post,
    take,
)

REFILL = 3
"""Orders that the market maker posts at a law level where nothing rests."""
ALL = 2**62

REACHED, FULL = range(2)
"""Results of `advance`."""


class Path(NamedTuple):
    """The law in consecutive slots."""

    ticks: IntArray
    """(n + 1,): the price before the first slot and after each."""
    kappa: npt.NDArray[np.float64]
    """(n,): the share of informed market orders in each slot."""
    first_slot: int
    first_end: int
    """When the first slot ends, in microseconds."""
    interval: int


class Stop(NamedTuple):
    """Where to stop: after all that happens until then, or at a position if that is earlier."""

    until: int
    slot: int
    event: int


@kernel
def advance(flow: Flow, path: Path, stop: Stop) -> int:
    """Apply events and steps from the position of the flow on.

    Return REACHED at the stop or at the end of the path. Return FULL if book, log or tape needs
    room: fetch the tape, make room and call again.
    """
    state = flow.state
    while state[SLOT] < path.first_slot + path.kappa.size:
        slot = state[SLOT]
        i = slot - path.first_slot
        end = path.first_end + i * path.interval
        law = path.ticks[i + 1]
        n = draw_schedule(
            flow.schedule, flow.key, flow.rates, slot, state[BACKGROUND], path.interval
        )
        while state[SLOT] == slot:
            if slot > stop.slot or (slot == stop.slot and state[EVENT] >= stop.event):
                return REACHED
            at = end
            if state[APPLIED] < n:
                key = flow.schedule.keys[state[APPLIED]]
                at = end - path.interval + (key >> POSITION_BITS)
            if at > stop.until:
                return REACHED
            if not has_room_for_event(flow):
                return FULL
            state[AT] = at
            moment = Moment(at, slot, state[EVENT] + 1)
            if state[APPLIED] < n:
                apply_event(flow, moment, key & (1 << POSITION_BITS) - 1, path.kappa[i], law)
                state[EVENT] += 1
                state[APPLIED] += 1
            else:
                end_slot(flow, moment, law)
    return REACHED


@routine
def apply_event(flow: Flow, moment: Moment, position: int, kappa: float, law: int) -> None:
    """Apply the event at a position of the schedule; `law` is the price after the slot."""
    ends, draws = flow.schedule.ends, flow.schedule.draws[position]
    if position < ends[ADDS]:
        new_id = order_id(flow.state[FIRST_ID], ADDS, position)
        add(flow, moment, new_id, draws[0], draws[1])
    elif position < ends[CANCELS]:
        cancel(flow, moment, draws[0])
    elif position < ends[MARKET_ORDERS]:
        number = position - ends[CANCELS]
        side = sign_of_order(flow, number, kappa, law - flow.state[LAW])
        trade_at_market(flow, moment, number, side, draws[0], draws[1])
    else:
        post_inside(flow, moment, position - ends[MARKET_ORDERS], draws[0], draws[1])


@routine
def end_slot(flow: Flow, moment: Moment, law: int) -> None:
    """Move the price to `law` and begin the next slot."""
    state = flow.state
    step_to(flow, moment, law)
    state[LAW] = law
    refill(flow, moment)
    state[SLOT] += 1
    state[EVENT] = 0
    state[APPLIED] = 0
    state[BACKGROUND] = flow.book.state[POOLED]
    state[FIRST_ID] += IDS_PER_SLOT


@routine
def step_to(flow: Flow, moment: Moment, law: int) -> None:
    """Take every bid above the law's new price and every ask below it; print at that price.

    Whatever accounts did to the book, the last trade is at `law`: with the orders that wait there
    to be swept, else with one lot of the other side, else with one lot posted for it.
    """
    side = law - flow.state[LAW]
    taker = order_id(flow.state[FIRST_ID], STEPS, 0)
    everything, one_lot = signed(ALL), signed(1)  # a constant would be compiled into a copy
    take(flow, moment, taker, -side, law + side, everything)
    if orders_at(flow.book, law) > 0 and is_marketable(flow.book, side, law):
        take(flow, moment, taker + 1, side, law, everything)
        return
    take(flow, moment, taker + 1, side, law - side, everything)
    if orders_at(flow.book, law) > 0:
        take(flow, moment, taker + 2, -side, law, one_lot)
    else:
        post(flow, moment, taker + 3, -side, law, one_lot)
        take(flow, moment, taker + 2, side, law, one_lot)


@routine
def refill(flow: Flow, moment: Moment) -> None:
    """Post orders at each law level where nothing rests."""
    first = order_id(flow.state[FIRST_ID], REFILLS, 0)
    for side in (BUY, SELL):
        ticks = flow.state[LAW] - side
        if ticks >= 1 and orders_at(flow.book, ticks) == 0:
            sizes = uniforms(flow.key, side == BUY, moment.slot, REFILLS, 0)
            for i in range(REFILL):
                lots = geometric(flow.rates.scales[0], sizes[i])
                post(flow, moment, first + i + REFILL * (side == BUY), side, ticks, lots)
