"""Loads compiled kernels before a market needs them. Pure.

Each takes a moment at its first use, for which the quotes of a market that has just started would
otherwise wait.
"""

import numpy as np

from exchange.depth.recording import BlockWriter
from exchange.flow.market import BookMarket
from exchange.matching import MESSAGE, Kind
from quotes.law.randomwalk import RegimeLaw, WalkState
from quotes.law.walker import MarketLaw, Start


def load_kernels() -> None:
    """Run a slot of a market that is thrown away, with a message, a block and a snapshot."""
    walk = WalkState(20_000, 1)
    law = MarketLaw(0, "warming", 1, 1_000_000, 1, 0, walk, RegimeLaw())
    market = BookMarket.open(Start(law, 1, walk))
    message = np.zeros(1, MESSAGE)
    message["kind"] = Kind.CANCEL
    market.execute(message)
    writer = BlockWriter(0)
    writer.add(market.run_slots(1).updates)
    writer.take(market.at, *market.position)
    BookMarket.restore(market.snapshot())
