"""The steps that candles have with step=auto, from the stored candles of trades."""

from dataclasses import replace
from functools import lru_cache
from typing import Final

import numpy as np

from archive.scanning import read_together
from archive.selections import Span, select
from exchange.kinds import TRADE_CANDLES
from instruments.models import Instrument
from market.timeframes import MICROSECONDS
from orderflow.clusters import Integers
from orderflow.steps import following_steps

BLOCK: Final = 256
"""Candle lengths of a block. The steps of a block's candles follow from the candles before them in
the block and from the last 256 before the block, whatever range a request asks for."""
MOST: Final = 2**31
AUTO: Final = 0
"""As a step: chosen for each candle."""
REMEMBERED: Final = 64
"""Answers of `step_after` in memory."""
FIELDS: Final = ("opened_at", "high", "low", "close")


def steps_of(
    instrument: Instrument, timeframe_s: int, step: int, opened: Integers
) -> Integers | int:
    """Return the step of each candle, or the one that all have; `step` may be AUTO."""
    return auto_steps(instrument, timeframe_s, opened) if step == AUTO else step


@lru_cache(maxsize=REMEMBERED)
def step_after(instrument: Instrument, timeframe_s: int, mark: int, opened: int) -> int:
    """Return the automatic step of the candle that opened then; computed once for each history.

    `mark`: of the cluster that closed before it, which stands for all history before the candle.
    """
    del mark
    (step,) = auto_steps(instrument, timeframe_s, np.array([opened], np.int64)).tolist()
    return int(step)


def auto_steps(instrument: Instrument, timeframe_s: int, opened: Integers) -> Integers:
    """Return the step of each candle that opened then (ascending, microseconds since 1970 UTC)."""
    if not len(opened):
        return np.empty(0, np.int64)
    length = BLOCK * timeframe_s * MICROSECONDS
    blocks = opened // length
    begin, end = int(blocks[0]) * length, int(opened[-1])
    where = {"timeframe": timeframe_s}
    candles = select(TRADE_CANDLES, instrument.pk, where=where, fields=FIELDS)
    before = replace(candles, span=Span(None, begin), newest=True)
    inside = replace(candles, span=Span(begin, end))
    found = read_together([(before, BLOCK), (inside, MOST)], instrument.lattice)
    times = found["opened_at"]
    steps = np.empty(len(opened), np.int64)
    for block in np.unique(blocks).tolist():
        first, last = times.searchsorted([block * length, (block + 1) * length])
        window = found.part(slice(max(0, int(first) - BLOCK), int(last)))
        mine = blocks == block
        places = window["opened_at"].searchsorted(opened[mine])
        steps[mine] = following_steps(window)[places]
    return steps
