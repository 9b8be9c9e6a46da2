"""The matching engine of one instrument: price-time priority, whole ticks and lots. Pure.

One call executes a batch of messages and returns what became of each.

| kind    | fields                             | does                                              |
|---------|------------------------------------|---------------------------------------------------|
| NEW     | order_id owner side tif ticks lots | trades up to its limit; then `tif` decides        |
| MARKET  | order_id owner side lots           | trades at any price; the remainder is cancelled   |
| CANCEL  | order_id                           | removes a resting order                           |
| REPLACE | order_id ticks lots                | enters the order again with a new price and size  |
| REDUCE  | order_id lots                      | makes the order smaller; it keeps its place       |

Other fields are ignored. `lots` is the size the order is to have from now on, not the difference.
REPLACE always loses its place, even if the price stays and the size shrinks. REPLACE and REDUCE
keep side and owner of the resting order. The engine does not check who cancels or changes an order.

A message is rejected with a reason before it changes anything, or executed. Reports of NEW and
MARKET: ACCEPTED (price and size of the message), FILLED in the order of matching, then CANCELLED
with the remainder if it does not rest. Of REPLACE: FILLED, then REPLACED with the size that rests
(0 if all was filled), or CANCELLED if self-trade prevention cancelled the remainder. Of REDUCE:
REPLACED. Of CANCEL: CANCELLED with what remained. A fill has the price of the resting order.

Self-trade prevention applies to two orders of one owner other than 0. CANCEL_NEWEST cancels the
remainder of the taking order, CANCEL_OLDEST the resting order (reported under its own id and
side), CANCEL_BOTH both. FOK counts only what others rest. POST_ONLY refuses to take own orders too.

Prices are 1 ... LARGEST_TICKS (2^62 - 1), sizes 1 ... LARGEST_LOTS (2^40), ids any int64. An id
may be used again when its order no longer rests. With `capacity` resting orders, orders that may
rest are rejected with BOOK_FULL.
"""

from typing import Self

import numpy as np

from exchange.engine.execution import execute
from exchange.engine.invariants import check_book
from exchange.engine.messages import (
    BUY,
    LEVEL,
    MESSAGE,
    REPORT,
    SELL,
    Kind,
    Outcome,
    Reason,
    SelfTradePrevention,
    TimeInForce,
)
from exchange.engine.orderbook import (
    BEST,
    LARGEST_CAPACITY,
    LARGEST_LOTS,
    LARGEST_TICKS,
    RESTING,
    new_book,
    new_report_log,
    with_more_room,
)
from exchange.engine.pricelevels import COUNT, LOTS, NO_ASK, NO_BID, occupied_prices
from exchange.engine.snapshots import SnapshotError, decode, encode, put_in_pool
from market.kinds import Rows

__all__ = [
    "BUY",
    "LARGEST_CAPACITY",
    "LARGEST_LOTS",
    "LARGEST_TICKS",
    "LEVEL",
    "MESSAGE",
    "REPORT",
    "SELL",
    "Kind",
    "MatchingEngine",
    "Outcome",
    "Reason",
    "SelfTradePrevention",
    "SnapshotError",
    "TimeInForce",
]


class MatchingEngine:
    """One order book and the rules by which messages change it; owned by one thread.

    `book` may be passed to other kernels; assign to it when it has grown.
    """

    def __init__(
        self,
        capacity: int = 1 << 20,
        self_trade_prevention: SelfTradePrevention = SelfTradePrevention.CANCEL_NEWEST,
    ) -> None:
        if not 1 <= capacity <= LARGEST_CAPACITY:
            raise ValueError(f"capacity is {capacity}; it must be in 1 ... {LARGEST_CAPACITY}")
        self.capacity = capacity
        self.self_trade_prevention = SelfTradePrevention(self_trade_prevention)
        self.book = new_book()

    def process(self, messages: Rows) -> Rows:
        """Execute MESSAGE rows in order; return the REPORT rows they cause."""
        if messages.dtype != MESSAGE or messages.ndim != 1:
            raise ValueError(
                f"messages are {messages.dtype} of shape {messages.shape}; "
                "they must be a one-dimensional array of dtype MESSAGE"
            )
        messages = np.require(messages.view(MESSAGE), requirements=["C", "W"])  # as compiled
        log = new_report_log(2 * messages.size + int(self.book.state[RESTING]))
        prevention = int(self.self_trade_prevention)
        done = execute(self.book, log, messages, 0, self.capacity, prevention)
        while done < messages.size:
            self.book = with_more_room(self.book)
            done = execute(self.book, log, messages, done, self.capacity, prevention)
        return log.reports()

    def best(self, side: int) -> int | None:
        """Return the best price of a side in ticks, or None if nothing rests there."""
        if side not in (BUY, SELL):
            raise ValueError(f"side is {side}; it must be BUY (1) or SELL (-1)")
        ticks = int(self.book.state[BEST + side])
        return None if ticks in (NO_BID, NO_ASK) else ticks

    def levels(self, side: int, n: int) -> Rows:
        """Return the best `n` prices of a side as LEVEL rows (ticks, lots, orders), best first."""
        best = self.best(side)
        prices, rows = occupied_prices(self.book.levels)
        chosen = np.flatnonzero(side * (prices - (best or 0)) <= 0) if best else np.arange(0)
        chosen = chosen[::-side][: max(n, 0)]
        levels = np.empty(chosen.size, LEVEL)
        levels["ticks"] = prices[chosen]
        levels["lots"] = self.book.levels.rows[rows[chosen], LOTS]
        levels["orders"] = self.book.levels.rows[rows[chosen], COUNT]
        return levels

    def snapshot(self) -> bytes:
        """Return the engine's state: equal for equal books, however they came about."""
        return encode(self.book, self.capacity, int(self.self_trade_prevention))

    @classmethod
    def restore(cls, snapshot: bytes) -> Self:
        """Return the engine of which this is a snapshot. SnapshotError if it is none."""
        capacity, prevention, orders, places = decode(snapshot)
        engine = cls(capacity, SelfTradePrevention(prevention))
        reports = engine.process(orders)
        if not np.all(reports["outcome"] == Outcome.ACCEPTED):
            raise SnapshotError("the orders of the snapshot cannot rest in one book")
        put_in_pool(engine.book, places)
        return engine

    def check(self) -> None:
        """Raise CorruptBookError unless the arrays of the book agree with each other."""
        check_book(self.book)
