"""Markets for tests, and accounts that send them random orders."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from exchange.flow.advances import Advance, joined
from exchange.flow.market import BookMarket
from exchange.flow.options import MarketOptions
from exchange.matching import BUY, MESSAGE, SELL, Kind, TimeInForce
from market.kinds import Rows
from quotes.law.randomwalk import RegimeLaw, RegimeSpan, WalkState
from quotes.law.walker import MarketLaw, RegimePlace, Start

SECOND = 1_000_000
OPENED_AT = 1_767_225_600 * SECOND
FOREVER = 10**12


@dataclass(frozen=True)
class SteadyLaw(MarketLaw):
    """A law with one endless regime."""

    phi: float = 0.0

    def spans(self, regime: RegimePlace | None = None) -> Iterator[RegimeSpan]:
        yield RegimeSpan(self.phi, 0, FOREVER, 0)


def law_of(
    seed: int = 1,
    phi: float | None = None,
    price: int = 20_000,
    first_seq: int = 1,
    interval_us: int = SECOND,
    started_at: int = OPENED_AT,
) -> MarketLaw:
    """Return a law with short regimes, or with one endless regime of persistence `phi`."""
    start, regimes = WalkState(price, 1), RegimeLaw(40.0, 10.0)
    own = (1, "ES", seed, interval_us, first_seq, started_at, start, regimes)
    return MarketLaw(*own) if phi is None else SteadyLaw(*own, phi=phi)


def open_market(law: MarketLaw | None = None, **options: Any) -> BookMarket:
    law = law or law_of()
    return BookMarket.open(Start(law, law.first_seq, law.start), MarketOptions(**options))


def message(
    kind: Kind,
    order_id: int,
    side: int = BUY,
    ticks: int = 0,
    lots: int = 0,
    tif: TimeInForce = TimeInForce.GTC,
    owner: int = 0,
) -> Rows:
    return np.array([(kind, side, tif, order_id, owner, ticks, lots)], MESSAGE)


class Crowd:
    """Accounts that send orders at random times: market, limit, cancel, replace."""

    def __init__(
        self,
        seed: int,
        per_slot: float,
        market: BookMarket,
        most_lots: int = 2_000,
        reach: int = 10,
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._pause = market.interval_us / per_slot
        self._most_lots = most_lots
        self._reach = reach
        self._sent = 0
        self.next_at = market.at

    def wait(self) -> int:
        """Return when the next message is due."""
        self.next_at += 1 + int(self._rng.exponential(self._pause))
        return self.next_at

    def next_message(self, mark: int) -> Rows:
        rng = self._rng
        side = int(rng.choice([BUY, SELL]))
        lots = int(rng.integers(1, self._most_lots + 1))
        ticks = max(1, mark + int(rng.integers(-self._reach, self._reach + 1)))
        kind = Kind(
            rng.choice([Kind.NEW, Kind.MARKET, Kind.CANCEL, Kind.REPLACE], p=(0.5, 0.3, 0.1, 0.1))
        )
        if kind in (Kind.NEW, Kind.MARKET):
            self._sent += 1
            return message(kind, -self._sent, side, ticks, lots, owner=int(rng.integers(1, 4)))
        return message(kind, -int(rng.integers(1, self._sent + 2)), side, ticks, lots)


def run_with(
    crowd: Crowd, market: BookMarket, slots: int, after_each: Callable[[], None] = lambda: None
) -> Advance:
    """Advance to the end of `slots` slots, with the crowd's messages in between."""
    last = market.position.slot + slots
    parts = []
    while True:
        parts.append(market.advance(crowd.wait(), last - market.position.slot))
        if market.position.slot == last:
            return joined(parts)
        parts.append(market.execute(crowd.next_message(market.mark))[1])
        after_each()


def same(one: Advance, other: Advance) -> bool:
    pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in fields(Advance)]
    return all(np.array_equal(a, b) for a, b in pairs)


def last_trades(made: Advance) -> Rows:
    """Return the price of the last trade of each slot that is over."""
    slots = made.trades["slot"]
    last = np.searchsorted(slots, made.quotes["seq"], side="right") - 1
    assert np.array_equal(slots[last], made.quotes["seq"])
    return made.trades["ticks"][last]
