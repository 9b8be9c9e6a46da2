"""One use of every kernel, as the product uses it, so that Numba compiles it."""

from concurrent.futures import ProcessPoolExecutor

import numpy as np

from exchange.depth.blocks import UPDATE, decode_all
from exchange.depth.depthbook import DepthBook
from exchange.depth.recording import BlockWriter
from exchange.engine.orderbook import with_more_room
from exchange.flow.market import BookMarket
from exchange.matching import MESSAGE, MatchingEngine
from indicators.catalogue import of_prices
from orderflow import warming
from quotes.law.randomwalk import RegimeLaw, WalkState
from quotes.law.walker import MarketLaw, Start


def use_all() -> None:
    """Use all of them in two processes, because the compiler takes half a minute."""
    with ProcessPoolExecutor(2) as pool:
        for done in [pool.submit(of_exchange), pool.submit(of_readings)]:
            done.result()


def of_exchange() -> None:
    matching()
    flow()
    recording()


def of_readings() -> None:
    warming.load_kernels()
    measures()


def matching() -> None:
    engine = MatchingEngine()
    engine.process(np.zeros(1, MESSAGE))
    with_more_room(engine.book, 1 + engine.book.orders.shape[0])


def flow() -> None:
    walk, regimes = WalkState(20_000, 1), RegimeLaw(40.0, 10.0)
    law = MarketLaw(1, "ES", 1, 1_000_000, 1, 0, walk, regimes)
    market = BookMarket.open(Start(law, 1, walk))
    market.run_slots(1)
    market.execute(np.zeros(1, MESSAGE))


def recording() -> None:
    writer = BlockWriter(instrument_id=1)
    writer.add(np.array([(1, 1, 1, 1)], UPDATE))
    blocks = writer.take(at=1, slot=1, event=1)
    DepthBook().follow(decode_all(list(blocks["data"]), [1]).updates)


def measures() -> None:
    ticks = 20_000 + np.random.default_rng(1).choice([-1, 1], 3_000).cumsum()
    for series in (ticks, ticks.astype(np.float64)):  # from the database; in scans
        for indicator in of_prices():
            parameters = indicator.read({})
            indicator.measure(series, parameters)
            indicator.roll(series, parameters, step=1)
