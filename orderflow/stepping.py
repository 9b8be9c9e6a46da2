"""The steps that candles have with step=auto, from the stored candles of trades."""

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeVar

import numpy as np

from archive.columns import Columns
from archive.rangescans import read_together
from archive.selections import Span, select
from exchange.kinds import TRADE_CANDLES
from instruments.models import Instrument
from market.timeframes import MICROSECONDS
from orderflow.clusters import Clusters, Integers, group_bounds
from orderflow.steps import following_steps

BLOCK: Final = 256
"""Candle lengths of a block. The steps of a block's candles follow from the candles before them in
the block and from the last 256 before the block, whatever range a request asks for."""
AUTO: Final = 0
"""As a step: chosen for each candle."""
REMEMBERED: Final = 64
"""Answers of `step_after` in memory."""
Number = TypeVar("Number", int, Integers)
FIELDS: Final = ("opened_at", "high", "low", "close")


def steps_of(instrument: Instrument, timeframe_s: int, step: int, clusters: Clusters) -> Integers:
    """Return steps as `auto_steps` does, or the one that all have; `step` may be AUTO."""
    if step == AUTO:
        return auto_steps(instrument, timeframe_s, clusters)
    return np.full(len(clusters) + 1, step, np.int64)


@lru_cache(maxsize=REMEMBERED)
def step_after(instrument: Instrument, timeframe_s: int, mark: int, opened: int) -> int:
    """Return the automatic step of the candle that opened then; computed once for each history.

    `mark`: of the cluster that closed before it, which stands for all history before the candle.
    """
    del mark
    return int(following_steps(candles_before(instrument, timeframe_s, opened))[-1])


def auto_steps(instrument: Instrument, timeframe_s: int, clusters: Clusters) -> Integers:
    """Return the step of each of k consecutive closed clusters and the next one, shape (k + 1,).

    The next one is a candle that opens in the block of the last; AUTO if k is 0.
    """
    steps = np.full(len(clusters) + 1, AUTO, np.int64)
    if not len(clusters):
        return steps
    opened = clusters["opened_at"]
    before = candles_before(instrument, timeframe_s, int(opened[0]))
    both = {name: np.concatenate((before[name], clusters[name])) for name in FIELDS}
    candles = replace(before, numbers=both)
    bounds = group_bounds(block_of(opened, timeframe_s))
    for first, end in pairwise(bounds.tolist()):
        begin = max(0, len(before) + first - BLOCK) if first else 0
        window = candles.part(slice(begin, len(before) + end))
        steps[first : end + 1] = following_steps(window)[first - end - 1 :]
    return steps


def candles_before(instrument: Instrument, timeframe_s: int, opened: int) -> Columns:
    """Return the closed candles that the step of the one that opened then follows from."""
    block = block_of(opened, timeframe_s) * BLOCK * timeframe_s * MICROSECONDS
    where = {"timeframe": timeframe_s}
    candles = select(TRADE_CANDLES, instrument.pk, where=where, fields=FIELDS)
    before = replace(candles, span=Span(None, block), newest=True)
    inside = replace(candles, span=Span(block, opened))
    return read_together([(before, BLOCK), (inside, BLOCK)], instrument.lattice)


def block_of(opened: Number, timeframe_s: int) -> Number:
    """Return the number of the block of a candle, or of each."""
    return opened // (BLOCK * timeframe_s * MICROSECONDS)
