"""How near paper orders come to real ones: the same orders, on paper and in the exchange.

    python -m benchmarks.paper [--orders 4000] [--seed 1]

A simulated market runs on. Again and again it is copied, and the exchange itself matches an order
in the copy; the same order is placed on paper over what the undisturbed market records. Compared is
what becomes of both within a minute: limit orders of one lot that join the best price or rest
behind it, and market orders of up to 40 lots. Pairs of figures are exchange / paper.
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from operator import itemgetter
from typing import Final

import numpy as np

from benchmarks.harness import report
from exchange.flow.advances import Advance
from exchange.flow.market import BookMarket
from exchange.matching import BUY, MESSAGE, SELL, Kind, Outcome, TimeInForce
from market.timeframes import MICROSECONDS
from quotes.law.randomwalk import RegimeLaw, WalkState
from quotes.law.walker import MarketLaw, Start
from rig.books import START
from trading.core.paperbook import PaperBook, PaperFill, PaperOrder
from venues.brokers import Style

HORIZON_US: Final = 60 * MICROSECONDS
LONGEST_GAP_US: Final = 20 * MICROSECONDS
LARGEST: Final = 40
DEPTH: Final = 1_000
PROBE: Final = -1_000_000
"""Order id of the order in the exchange."""
BEHIND: Final = {"at the best price": 0, "a tick behind": 1, "three ticks behind": 3}
TAKING: Final = "market"


@dataclass
class Result:
    """What became of an order."""

    lots: int = 0
    value: int = 0
    first_at: int | None = None

    def add(self, at: int, ticks: int, lots: int) -> None:
        self.lots += lots
        self.value += ticks * lots
        self.first_at = at if self.first_at is None else self.first_at


@dataclass
class Pairs:
    """Results of the same orders: in the exchange, and on paper."""

    real: list[Result] = field(default_factory=list)
    paper: list[Result] = field(default_factory=list)

    def filled(self, results: Sequence[Result]) -> np.ndarray:
        return np.array([bool(each.lots) for each in results])

    def figures(self) -> str:
        real, paper = self.filled(self.real), self.filled(self.paper)
        found = (
            f"{len(real)} orders, filled {real.mean():.1%} / {paper.mean():.1%}, "
            f"alike {np.mean(real == paper):.1%}"
        )
        both = [pair for pair in zip(self.real, self.paper, strict=True) if all(map(_has, pair))]
        late = [(paper.first_at or 0) - (real.first_at or 0) for real, paper in both]
        price = [paper.value / paper.lots - real.value / real.lots for real, paper in both]
        return (
            f"{found}, paper later by {np.mean(late) / MICROSECONDS:.2f} s "
            f"(median {np.median(late) / MICROSECONDS:.2f}), "
            f"price differs by {np.mean(np.abs(price)):.3f} ticks"
        )


def _has(result: Result) -> bool:
    return bool(result.lots)


def open_market(seed: int) -> BookMarket:
    walk = WalkState(20_000, 1)
    law = MarketLaw(1, "ES", seed, MICROSECONDS, 1, START, walk, RegimeLaw())
    return BookMarket.open(Start(law, 1, walk))


def in_exchange(market: BookMarket, order: PaperOrder) -> Result:
    """Let the exchange match an order in a market; return what became of it."""
    row = np.zeros(1, MESSAGE)
    is_taking = order.style is Style.MARKET
    row["kind"] = Kind.MARKET if is_taking else Kind.NEW
    row["tif"] = TimeInForce.IOC if is_taking else TimeInForce.POST_ONLY
    row["side"], row["ticks"], row["lots"] = order.side, order.ticks, order.lots
    row["order_id"] = PROBE
    began, result = market.at, Result()
    reports, _ = market.execute(row)
    for fill in reports[reports["outcome"] == Outcome.FILLED]:
        result.add(began, int(fill["ticks"]), int(fill["lots"]))
    if not is_taking:
        trades = market.advance(began + HORIZON_US).trades
        for trade in trades[trades["maker"] == PROBE]:
            result.add(int(trade["at"]), int(trade["ticks"]), int(trade["lots"]))
    return result


def on_paper(book: PaperBook, order: PaperOrder, began: int, later: Advance) -> Result:
    """Place an order on paper, in a book that later records change; return what became of it."""
    result = Result()

    def note(at: int, fills: Sequence[PaperFill]) -> None:
        for fill in fills:
            result.add(at, fill.ticks, fill.lots)

    note(began, book.place(order))
    if order.style is Style.MARKET:
        return result
    for at, is_level, side, ticks, lots in events(later):
        if not order.leaves:
            break
        note(at, (book.change if is_level else book.trade)(side, ticks, lots))
    return result


def events(later: Advance) -> Iterator[tuple[int, ...]]:
    """Return trades and changes of levels by time; at the same time, trades come first."""
    names = ["at", "side", "ticks", "lots"]
    trades, levels = later.trades[names].tolist(), later.updates[names].tolist()
    return merge(
        ((at, 0, *rest) for at, *rest in trades),
        ((at, 1, *rest) for at, *rest in levels),
        key=itemgetter(0, 1),
    )


def copied(market: BookMarket) -> PaperBook:
    book = PaperBook()
    for side in (BUY, SELL):
        for level in market.levels(side, DEPTH):
            book.show(side, int(level["ticks"]), int(level["lots"]))
    return book


def wanted(kind: str, market: BookMarket, chance: random.Random) -> PaperOrder:
    side = chance.choice((BUY, SELL))
    if kind == TAKING:
        lots = chance.randint(1, LARGEST)
        return PaperOrder(client_id="p", side=side, style=Style.MARKET, lots=lots)
    ticks = (market.best(side) or 0) - side * BEHIND[kind]
    return PaperOrder(client_id="p", side=side, style=Style.POST_ONLY, lots=1, ticks=ticks)


def compare(orders: int, seed: int) -> dict[str, Pairs]:
    """Return the results of orders of each kind in turn."""
    chance, market = random.Random(seed), open_market(seed)
    market.run_slots(60)
    kinds = [*BEHIND, TAKING]
    found = {kind: Pairs() for kind in kinds}
    for n in range(orders):
        kind = kinds[n % len(kinds)]
        market.advance(market.at + chance.randint(1, LONGEST_GAP_US))
        order = wanted(kind, market, chance)
        twin = PaperOrder(**{name: getattr(order, name) for name in SENT})
        found[kind].real.append(in_exchange(BookMarket.restore(market.snapshot()), order))
        book, began = copied(market), market.at
        found[kind].paper.append(on_paper(book, twin, began, market.advance(began + HORIZON_US)))
    return found


SENT: Final = ("client_id", "side", "style", "lots", "ticks")


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare paper orders with real ones.")
    parser.add_argument("--orders", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = compare(options.orders, options.seed)
    figures = {kind: pairs.figures() for kind, pairs in found.items()}
    report("paper", {"orders": options.orders, "seed": options.seed, **figures})


if __name__ == "__main__":
    main()
