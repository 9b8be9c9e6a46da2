"""The book before its first slot: stationary, as if the flow had always run at this price."""

import numpy as np
import numpy.typing as npt

from exchange.engine.kernel import kernel
from exchange.engine.messages import BUY, SELL
from exchange.engine.orderbook import POOLED
from exchange.flow.philox import Key, geometric, poisson, uniforms
from exchange.flow.slotevents import IDS_PER_SLOT, OPENING
from exchange.flow.state import (
    BACKGROUND,
    FIRST_ID,
    LAW,
    SLOT,
    Flow,
    Moment,
    post,
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@kernel
def draw_opening(numbers: Integers, key: Key, counts: Floats, slot: int) -> None:
    """Draw how many orders rest at each level of each side, bid before ask: Poisson(counts).

    The law levels are not empty.
    """
    for place in range(numbers.size):
        number = poisson(counts[place // 2], uniforms(key, 0, slot, OPENING, place)[0])
        numbers[place] = max(number, place < 2)


@kernel
def post_opening(flow: Flow, numbers: Integers, at: int) -> None:
    """Post the opening book, for which book and tape must have room."""
    state = flow.state
    moment = Moment(at, state[SLOT], 0)
    orders = 0
    for place in range(numbers.size):
        level, side = place // 2, BUY if place % 2 == 0 else SELL
        ticks = state[LAW] - side * (level + 1)
        for j in range(numbers[place] if ticks >= 1 else 0):
            size = uniforms(flow.key, j + 1, state[SLOT], OPENING, place)[0]
            orders += 1
            post(flow, moment, orders, side, ticks, geometric(flow.rates.scales[level], size))
    state[BACKGROUND] = flow.book.state[POOLED]
    state[FIRST_ID] = (orders // IDS_PER_SLOT + 1) * IDS_PER_SLOT
