"""The events of one slot, in order of their times: kernels.

The counter of a draw names the slot, the lane of the event (what it is) and the number of the
event within its lane. So nothing that happens to the book, and no stop within the slot, changes a
draw.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from exchange.engine.kernel import routine
from exchange.engine.pricelevels import IntArray
from exchange.flow.parameters import Rates
from exchange.flow.philox import Key, poisson, uniforms

ADDS, CANCELS, MARKET_ORDERS, INSIDE, TOP_UPS, REFILLS, STEPS, EPISODE_ORDERS = range(8)
"""Lanes of order ids and of draws. The first four are the events, in order of ties in time."""
COUNTS, METAORDERS, OPENING = range(8, 11)
"""Further lanes of draws."""
LANE_BITS = 13
LANE_MASK = 7
IDS_PER_SLOT = 8 << LANE_BITS
MOST_EVENTS = 1 << 12
"""In a slot: four lanes with means of at most LARGEST_MEAN."""
POSITION_BITS = 12


class Schedule(NamedTuple):
    """The events of a slot. A position counts them lane by lane, in each by number."""

    keys: IntArray
    """(MOST_EVENTS,): offset << POSITION_BITS | position, ascending once drawn."""
    draws: npt.NDArray[np.float64]
    """(MOST_EVENTS, 3): the uniforms of the event at each position."""
    ends: IntArray
    """(4,): the position after the last event of each lane."""


def new_schedule() -> Schedule:
    keys = np.empty(MOST_EVENTS, np.int64)
    return Schedule(keys, np.empty((MOST_EVENTS, 3)), np.zeros(4, np.int64))


@routine
def draw_schedule(
    schedule: Schedule, key: Key, rates: Rates, slot: int, background: int, interval: int
) -> int:
    """Draw the events of `slot` into `schedule`; return their number.

    `background` orders rested when the slot began. Events happen a whole number of microseconds,
    0 <= offset < interval, after that.
    """
    adds, cancels, market_orders, inside = uniforms(key, 0, slot, COUNTS, 0)
    ends = schedule.ends
    ends[ADDS] = poisson(2 * rates.add_totals[-1], adds)
    ends[CANCELS] = ends[ADDS] + poisson(rates.theta * background, cancels)
    ends[MARKET_ORDERS] = ends[CANCELS] + poisson(rates.market_orders, market_orders)
    ends[INSIDE] = ends[MARKET_ORDERS] + poisson(rates.inside, inside)
    start = 0
    for lane in range(4):
        for position in range(start, ends[lane]):
            time, a, b, c = uniforms(key, position - start, slot, lane, 0)
            schedule.keys[position] = (np.int64(time * interval) << POSITION_BITS) | position
            schedule.draws[position, 0] = a
            schedule.draws[position, 1] = b
            schedule.draws[position, 2] = c
        start = ends[lane]
    sort(schedule.keys, start)
    return start


@routine
def sort(keys: IntArray, n: int) -> None:
    """Sort the first `n` keys (Shell's method: they are few, and this allocates nothing)."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            key = keys[i]
            place = i
            while place >= gap and keys[place - gap] > key:
                keys[place] = keys[place - gap]
                place -= gap
            keys[place] = key
        gap //= 3


def lanes(order_ids: IntArray) -> IntArray:
    """Return the lane of each order of the flow, but for those of the opening book."""
    return order_ids >> LANE_BITS & LANE_MASK


@routine
def order_id(first_id: int, lane: int, number: int) -> int:
    """Return the id of an order of the slot whose ids begin with `first_id`."""
    return first_id + (lane << LANE_BITS) + number
