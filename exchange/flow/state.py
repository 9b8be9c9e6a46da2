"""What the kernels of the flow share: its state, and the tape on which they record."""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit

from exchange.flow.events import Schedule
from exchange.flow.parameters import Rates
from exchange.flow.philox import Key
from exchange.idtable import IntMatrix
from exchange.orderbook import (
    RESTING,
    Book,
    ReportLog,
    has_room,
    join_pool,
    lots_at,
    match,
    rest,
)
from exchange.pricelevels import IntArray

SLOT, EVENT, APPLIED, LAW, LAST, BACKGROUND, FIRST_ID, TRADE, METAORDER, LEFT, SIGN = range(11)
"""Entries of the state: the slot in progress; how many of its events were applied, in all and of this
run of the law; the law's price before the slot; the price of the last trade; how many background
orders rested when the slot began; the first order id of the slot; the seq of the last trade; the
next metaorder; how many orders are left in the current one, and its side."""
STATE_SIZE: Final = 11

MOST_RESTED: Final = 8
"""Orders that one event brings to rest, at most."""

TRADE_COLUMNS: Final = ("seq", "at", "slot", "ticks", "lots", "side", "maker", "taker")
UPDATE: Final = np.dtype(
    [(name, np.int64) for name in ("at", "side", "ticks", "lots", "slot", "event")]
)
"""A change of one level as in exchange.blocks, and the position in history after it: its slot, and
how many events of the slot were applied."""


class Tape(NamedTuple):
    """Records for Python to fetch."""

    trades: IntMatrix
    """(n, 8): TRADE_COLUMNS."""
    updates: IntMatrix
    """(n, 6): the fields of UPDATE."""
    counts: IntArray
    """(2,): rows in use of each."""


class Flow(NamedTuple):
    book: Book
    log: ReportLog
    tape: Tape
    state: IntArray
    key: Key
    informed: Key
    rates: Rates
    schedule: Schedule


class Moment(NamedTuple):
    """A time, and the position in history after what happens then."""

    at: int
    slot: int
    event: int


def new_tape(trades: int, updates: int) -> Tape:
    return Tape(
        np.empty((trades, len(TRADE_COLUMNS)), np.int64),
        np.empty((updates, len(UPDATE)), np.int64),
        np.zeros(2, np.int64),
    )


@njit
def has_room_for_event(flow: Flow) -> Any:
    """Return whether book, log and tape have room for whatever one event does."""
    resting = flow.book.state[RESTING] + MOST_RESTED
    tape = flow.tape
    return (
        has_room(flow.book, MOST_RESTED)
        and flow.log.rows.shape[0] >= resting
        and tape.trades.shape[0] - tape.counts[0] >= resting
        and tape.updates.shape[0] - tape.counts[1] >= 2 * resting
    )


@njit
def note_level(flow: Flow, moment: Moment, side: int, ticks: int) -> None:
    """Record what now rests at a price."""
    tape = flow.tape
    row = tape.updates[tape.counts[1]]
    row[0] = moment.at
    row[1] = side
    row[2] = ticks
    row[3] = lots_at(flow.book, ticks)
    row[4] = moment.slot
    row[5] = moment.event
    tape.counts[1] += 1


@njit
def note_trade(
    flow: Flow, moment: Moment, side: int, ticks: int, lots: int, maker: int, taker: int
) -> None:
    tape, state = flow.tape, flow.state
    state[TRADE] += 1
    state[LAST] = ticks
    row = tape.trades[tape.counts[0]]
    row[0] = state[TRADE]
    row[1] = moment.at
    row[2] = moment.slot
    row[3] = ticks
    row[4] = lots
    row[5] = side
    row[6] = maker
    row[7] = taker
    tape.counts[0] += 1


@njit
def take(flow: Flow, moment: Moment, taker: int, side: int, limit: int, lots: int) -> None:
    """Trade up to `lots` at prices no worse than `limit`."""
    log = flow.log
    log.count[0] = 0
    match(flow.book, log, 0, taker, side, limit, lots)
    for i in range(log.count[0]):
        ticks = log.rows[i, 5]
        note_trade(flow, moment, side, ticks, log.rows[i, 6], log.rows[i, 3], taker)
        if i + 1 == log.count[0] or log.rows[i + 1, 5] != ticks:
            note_level(flow, moment, -side, ticks)


@njit
def post(flow: Flow, moment: Moment, order_id: int, side: int, ticks: int, lots: int) -> None:
    """Rest a background order. The price must not be marketable."""
    join_pool(flow.book, rest(flow.book, order_id, 0, side, ticks, lots))
    note_level(flow, moment, side, ticks)
