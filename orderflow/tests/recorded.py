"""Recorded trades for tests of clusters."""

from itertools import pairwise

import numpy as np

from exchange.kinds import TRADES
from instruments.models import Instrument
from journal.journal import Journal
from market.kinds import Delivery, Rows
from orderflow.tests.naive import random_trades


def make_traded(symbol: str = "ES", lot_size: str = "0.1") -> Instrument:
    return Instrument.objects.create(
        symbol=symbol, name=symbol, tick_size="0.25", lot_size=lot_size, has_book=True
    )


def store(instrument: Instrument, trades: Rows, batches: int = 7) -> Rows:
    """Record trades in some batches; the writer of each is a new one."""
    trades["instrument"] = instrument.pk
    cuts = np.linspace(0, len(trades), batches + 1).astype(int).tolist()
    for first, end in pairwise(cuts):
        with Journal([instrument]) as journal:
            journal.append([Delivery(TRADES, trades[first:end])])
    return trades


def record(
    instrument: Instrument, n: int = 3_000, seed: int = 1, pause_s: float = 20.0, batches: int = 7
) -> Rows:
    trades = random_trades(np.random.default_rng(seed), n, pause_s=pause_s)
    return store(instrument, trades, batches)
