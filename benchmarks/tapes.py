"""A tape of messages that keeps a book at a steady size, for matching engines to race on."""

from collections import deque
from random import Random

import numpy as np

from exchange.matching import BUY, MESSAGE, SELL, Kind
from market.kinds import Rows

RESTING = 2_000
LEVELS = 32
"""Occupied prices of each side."""
MIDDLE = 20_000
LARGEST = 9
"""Lots of an order."""


class TapeWriter:
    """Writes new orders, cancels of orders that rest and market orders that are filled."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._orders = 0
        self._rows: list[tuple[int, ...]] = []
        self._lots: dict[int, int] = {}
        self._ids: list[int] = []
        self._places: dict[int, int] = {}
        self._queues: dict[int, list[deque[int]]] = {
            side: [deque() for _ in range(LEVELS)] for side in (BUY, SELL)
        }

    def write(self, count: int) -> Rows:
        """Return messages: half of them new orders, 45 % cancels and 5 % market orders."""
        while len(self._rows) < count:
            resting = len(self._ids)
            draw = self._random.random()
            if len(self._rows) < RESTING:
                self._add()
            elif draw < 0.05:
                self._take()
            elif draw < 0.55 + (RESTING - resting) / RESTING:
                self._add()
            else:
                self._cancel()
        return np.array(self._rows, MESSAGE)

    def _add(self) -> None:
        order_id, side = self._new_id(), self._random.choice((BUY, SELL))
        distance, lots = self._random.randrange(LEVELS), self._random.randint(1, LARGEST)
        ticks = MIDDLE - side * (1 + distance)
        self._rows.append((Kind.NEW, side, 0, order_id, 0, ticks, lots))
        self._queues[side][distance].append(order_id)
        self._lots[order_id] = lots
        self._places[order_id] = len(self._ids)
        self._ids.append(order_id)

    def _cancel(self) -> None:
        order_id = self._random.choice(self._ids)
        self._rows.append((Kind.CANCEL, 0, 0, order_id, 0, 0, 0))
        self._forget(order_id)

    def _take(self) -> None:
        side, lots = self._random.choice((BUY, SELL)), self._random.randint(1, LARGEST)
        self._rows.append((Kind.MARKET, side, 0, self._new_id(), 0, 0, lots))
        for queue in self._queues[-side]:
            while queue and lots:
                lots -= self._trade(queue, lots)

    def _trade(self, queue: deque[int], lots: int) -> int:
        maker = queue[0]
        traded = min(lots, self._lots.get(maker, 0))
        if traded == self._lots.get(maker, 0):
            queue.popleft()  # filled now, or cancelled before
            if traded:
                self._forget(maker)
        else:
            self._lots[maker] -= traded
        return traded

    def _forget(self, order_id: int) -> None:
        del self._lots[order_id]
        place, last = self._places.pop(order_id), self._ids.pop()
        if last != order_id:
            self._ids[place] = last
            self._places[last] = place

    def _new_id(self) -> int:
        """Return the number of orders so far, which is how bourse numbers them."""
        self._orders += 1
        return self._orders - 1
