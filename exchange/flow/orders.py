"""What the background flow does within a slot: kernels.

The law's price L is contested: either side may rest there, or nobody. The law levels L - 1 and
L + 1 are never emptied, so that the price does not move before the slot ends.
"""

import numpy as np

from exchange.engine.kernel import routine
from exchange.engine.messages import BUY, SELL
from exchange.engine.orderbook import (
    POOLED,
    SIDE,
    TICKS,
    best,
    is_marketable,
    lots_at,
    orders_at,
    unlink,
)
from exchange.engine.pricelevels import NO_ASK, NO_BID
from exchange.flow.philox import geometric, uniforms
from exchange.flow.slotevents import INSIDE, MARKET_ORDERS, METAORDERS, TOP_UPS, order_id
from exchange.flow.state import (
    FIRST_ID,
    LAW,
    LEFT,
    METAORDER,
    SIGN,
    SLOT,
    Flow,
    Moment,
    note_level,
    post,
    take,
)


@routine
def add(flow: Flow, moment: Moment, new_id: int, where: float, size: float) -> None:
    """Post a limit order at a level of either side, unless accounts made its price marketable."""
    side = BUY if where < 0.5 else SELL
    totals, scales = flow.rates.add_totals, flow.rates.scales
    share = 2 * where - (side == SELL)
    level = min(np.searchsorted(totals, share * totals[-1], side="right"), totals.size - 1)
    ticks = flow.state[LAW] - side * (level + 1)
    if ticks >= 1 and not is_marketable(flow.book, side, ticks):
        post(flow, moment, new_id, side, ticks, geometric(scales[level], size))


@routine
def cancel(flow: Flow, moment: Moment, which: float) -> None:
    """Cancel a background order, unless it is the last order of a law level."""
    book = flow.book
    if book.state[POOLED] == 0:
        return
    row = int(book.pool[int(which * book.state[POOLED])])
    ticks, side = book.orders[row, TICKS], book.orders[row, SIDE]
    if abs(ticks - flow.state[LAW]) == 1 and orders_at(book, ticks) == 1:
        return
    unlink(book, row)
    note_level(flow, moment, side, ticks)


@routine
def post_inside(flow: Flow, moment: Moment, number: int, side: float, size: float) -> None:
    """Post an order of either side at the law's price if nothing rests there."""
    law = flow.state[LAW]
    sign = BUY if side < 0.5 else SELL
    if orders_at(flow.book, law) == 0 and not is_marketable(flow.book, sign, law):
        new_id = order_id(flow.state[FIRST_ID], INSIDE, number)
        post(flow, moment, new_id, sign, law, geometric(flow.rates.scales[0], size))


@routine
def trade_at_market(
    flow: Flow, moment: Moment, number: int, side: int, size: float, top_up: float
) -> None:
    """Trade at the best price, and leave at least one lot there unless that price is L.

    If too little rests there, the market maker posts more first: dropping the order instead would
    bias the signs of those that are left.
    """
    ticks = best_or_law_level(flow, -side)
    if ticks < 1:
        return
    first_id, scale = flow.state[FIRST_ID], flow.rates.scales[0]
    spare = 0 if ticks == flow.state[LAW] else 1
    if lots_at(flow.book, ticks) <= spare:
        new_id = order_id(first_id, TOP_UPS, number)
        post(flow, moment, new_id, -side, ticks, 1 + geometric(scale, top_up))
    lots = min(geometric(scale, size), lots_at(flow.book, ticks) - spare)
    take(flow, moment, order_id(first_id, MARKET_ORDERS, number), side, ticks, lots)


@routine
def best_or_law_level(flow: Flow, side: int) -> int:
    """Return the best price of a side; if it is empty, the price at which to post.

    0 if there is none: accounts offer at one tick, so that nobody can bid.
    """
    law, ticks = flow.state[LAW], best(flow.book, side)
    if side == SELL and ticks == NO_ASK:
        return max(law + 1, best(flow.book, BUY) + 1)
    if side == BUY and ticks == NO_BID:
        return min(max(law - 1, 1), best(flow.book, SELL) - 1)
    return ticks


@routine
def sign_of_order(flow: Flow, number: int, kappa: float, law_step: int) -> int:
    """Return the side of a market order: the law's next step if informed, else its metaorder's.

    An informed order also counts as one of its metaorder, so that a different `kappa` leaves the
    side of every other order as it was.
    """
    state = flow.state
    if state[LEFT] == 0:
        length, sign, _, _ = uniforms(flow.key, state[METAORDER], 0, METAORDERS, 0)
        state[METAORDER] += 1
        state[LEFT] = np.int64((1.0 - length) ** (-1.0 / flow.rates.alpha))
        state[SIGN] = BUY if sign < 0.5 else SELL
    state[LEFT] -= 1
    if uniforms(flow.informed, number, state[SLOT], MARKET_ORDERS, 0)[0] < kappa:
        return law_step
    return state[SIGN]
