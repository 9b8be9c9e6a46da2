"""Recorded histories for tests, written through the journal."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike

from exchange.kinds import TRADES
from instruments.models import Instrument
from journal.journal import Journal
from market.kinds import Delivery, Rows
from market.ticks import Ticks, tick_array
from market.times import to_microseconds
from quotes.kinds import QUOTES, REGIMES

START = datetime(2026, 1, 1, 7, 3, 11, tzinfo=UTC)
"""A Thursday, not aligned to any timeframe."""


def make_instrument(symbol: str = "ES", tick_size: str = "0.25") -> Instrument:
    return Instrument.objects.create(symbol=symbol, name=symbol, tick_size=Decimal(tick_size))


def make_ticks(
    instrument: Instrument, count: int, interval_s: float = 1, start: datetime = START
) -> Ticks:
    """Return `count` ticks of a symmetric random walk from 20,000; the seed is `count`."""
    seq = np.arange(1, count + 1)
    at = to_microseconds(start) + (seq - 1) * int(interval_s * 1_000_000)
    steps = np.random.default_rng(count).choice([-1, 1], size=count)
    return tick_array(instrument.pk, seq, at, 20_000 + np.cumsum(steps))


def record(ticks: Ticks, regimes: int = 0, trades: int = 0) -> Ticks:
    """Store and return `ticks`, with their candles and `regimes` regimes of equal length.

    With `trades` trades in the slot of each tick.
    """
    instrument = Instrument.objects.get(pk=int(ticks["instrument"][0]))
    deliveries = [Delivery(QUOTES, ticks)]
    if regimes:
        first = np.linspace(0, len(ticks), regimes, endpoint=False).astype(int)
        deliveries.append(
            Delivery(REGIMES, make_regimes(ticks[first], 0.1 * (np.arange(regimes) % 9)))
        )
    if trades:
        deliveries.append(Delivery(TRADES, make_trades(ticks, trades)))
    with Journal([instrument]) as journal:
        journal.append(deliveries)
    return ticks


def make_regimes(first_ticks: Ticks, phi: ArrayLike, first_seq: int = 1) -> Rows:
    """Return one regime per tick in `first_ticks`, numbered from `first_seq`."""
    rows = np.empty(len(first_ticks), dtype=REGIMES.dtype)
    rows["instrument"], rows["at"] = first_ticks["instrument"], first_ticks["at"]
    rows["seq"] = np.arange(first_seq, first_seq + len(rows))
    rows["phi"], rows["first_seq"] = phi, first_ticks["seq"]
    return rows


def make_trades(ticks: Ticks, per_slot: int = 3) -> Rows:
    """Return trades of the slots that `ticks` end, the last of each at the price of its tick."""
    n = len(ticks) * per_slot
    rows = np.empty(n, dtype=TRADES.dtype)
    slots = np.repeat(ticks, per_slot)
    for name in ("instrument", "at", "ticks"):
        rows[name] = slots[name]
    rows["seq"] = rows["taker"] = np.arange(1, n + 1)
    rows["slot"] = slots["seq"]
    rows["ticks"][np.arange(n) % per_slot < per_slot - 1] += 1
    rows["lots"] = rows["seq"] % 7 + 1
    rows["side"] = np.where(rows["seq"] % 3, 1, -1)
    rows["maker"] = rows["seq"] + n
    return rows
