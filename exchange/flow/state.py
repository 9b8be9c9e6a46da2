"""What the kernels of the flow share: its state, and the tape on which they record."""

from typing import Final, NamedTuple

import numpy as np

from exchange.depth.blocks import UPDATE
from exchange.engine.idtable import IntMatrix
from exchange.engine.kernel import routine
from exchange.engine.orderbook import (
    RESTING,
    Book,
    ReportLog,
    has_room,
    join_pool,
    lots_at,
    match,
    rest,
)
from exchange.engine.pricelevels import IntArray
from exchange.flow.parameters import Rates
from exchange.flow.philox import Key
from exchange.flow.slotevents import Schedule

SLOT, EVENT, APPLIED, LAW, LAST, BACKGROUND, FIRST_ID, TRADE, METAORDER, LEFT, SIGN, AT = range(12)
"""Entries of the state:

SLOT in progress, EVENT: how many of its events were applied, APPLIED: those of this run of the law,
LAW: its price before the slot, LAST: price of the last trade, BACKGROUND: how many background
orders rested when the slot began, FIRST_ID of the order ids of the slot, TRADE: seq of the last
trade, METAORDER: the next one, LEFT, SIGN: of the current metaorder, AT: time of the last event.
"""
STATE_SIZE: Final = 12

MOST_RESTED: Final = 8
"""Orders that one event brings to rest, at most."""

TRADE_COLUMNS: Final = ("seq", "at", "slot", "ticks", "lots", "side", "maker", "taker")
FLOW_UPDATE: Final = np.dtype([*UPDATE.descr, ("slot", np.int64), ("event", np.int64)])
"""A change of one level, and the position in history after it."""
UPDATE_COLUMNS: Final = 6


class Tape(NamedTuple):
    """Records for Python to fetch."""

    trades: IntMatrix
    """(n, 8): TRADE_COLUMNS."""
    updates: IntMatrix
    """(n, 6): FLOW_UPDATE."""
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
        np.empty((updates, UPDATE_COLUMNS), np.int64),
        np.zeros(2, np.int64),
    )


def has_rows(tape: Tape, trades: int, updates: int) -> bool:
    """Return whether that many rows are free."""
    used_trades, used_updates = tape.counts
    free = (len(tape.trades) - used_trades, len(tape.updates) - used_updates)
    return bool(free[0] >= trades and free[1] >= updates)


def with_more_rows(tape: Tape, trades: int, updates: int) -> Tape:
    """Return the same tape with that many free rows."""
    used_trades, used_updates = tape.counts
    larger = new_tape(used_trades + trades, used_updates + updates)
    larger.trades[:used_trades] = tape.trades[:used_trades]
    larger.updates[:used_updates] = tape.updates[:used_updates]
    larger.counts[:] = tape.counts
    return larger


@routine
def has_room_for_event(flow: Flow) -> int:
    """Return whether book, log and tape have room for whatever one event does."""
    resting = flow.book.state[RESTING] + MOST_RESTED
    tape = flow.tape
    return (
        has_room(flow.book, MOST_RESTED)
        and flow.log.rows.shape[0] >= resting
        and tape.trades.shape[0] - tape.counts[0] >= resting
        and tape.updates.shape[0] - tape.counts[1] >= 2 * resting
    )


@routine
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


@routine
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


@routine
def take(flow: Flow, moment: Moment, taker: int, side: int, limit: int, lots: int) -> None:
    """Trade up to `lots` at prices no worse than `limit`."""
    log = flow.log
    log.used[0] = 0
    match(flow.book, log, 0, taker, side, limit, lots)
    for i in range(log.used[0]):
        fill = log.rows[i]
        note_trade(flow, moment, side, fill.ticks, fill.lots, fill.maker_id, taker)
        if i + 1 == log.used[0] or log.rows[i + 1].ticks != fill.ticks:
            note_level(flow, moment, -side, fill.ticks)


@routine
def post(flow: Flow, moment: Moment, order_id: int, side: int, ticks: int, lots: int) -> None:
    """Rest a background order. The price must not be marketable."""
    join_pool(flow.book, rest(flow.book, order_id, 0, side, ticks, lots))
    note_level(flow, moment, side, ticks)
