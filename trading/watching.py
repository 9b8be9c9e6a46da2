"""What the runner of a bot remembers of an instrument between decisions."""

import math
import statistics
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from trading.core.strategies.orders import Working
from trading.models import BotOrder
from venues.brokers import Style

FIRST_REFUSED_S: Final = 1.0
"""After an order was refused or rejected, no other is sent in its instrument; then doubled."""
LONGEST_REFUSED_S: Final = 30.0
MIDDLES: Final = 60
"""Prices from which the volatility is estimated, one per decision."""
PATIENCE: Final = 10
"""Decisions during which an order may wait."""


@dataclass
class Watched:
    """What the runner remembers of an instrument."""

    middles: deque[float] = field(default_factory=lambda: deque(maxlen=MIDDLES))
    refusals: int = 0
    """Orders in a row that were refused or rejected."""
    opens_from: float = -math.inf
    closes_from: float = -math.inf
    has_waited: bool = False
    """Whether an order has waited as long as it may."""
    moves: Counter[str] = field(default_factory=Counter)
    """How often orders followed the price."""

    def refused(self, now: float, *, reduce_only: bool) -> None:
        """Note a refused order: the next one waits longer each time.

        What closes a position waits only after such an order was refused.
        """
        pause_s = min(LONGEST_REFUSED_S, FIRST_REFUSED_S * 2.0 ** min(self.refusals, 10))
        self.refusals += 1
        self.opens_from = now + pause_s
        if reduce_only:
            self.closes_from = now + pause_s

    def is_barred(self, now: float, *, reduce_only: bool) -> bool:
        return now < (self.closes_from if reduce_only else self.opens_from)

    def working(self, order: BotOrder, now: datetime) -> Working:
        """Return a working order as strategies' orders are compared with it."""
        return Working(
            client_id=order.client_id,
            side=order.side,
            style=Style(order.style),
            ticks=order.ticks,
            leaves=order.lots - order.filled,
            first_ticks=int(order.context.get("first_ticks", 0)),
            moves=self.moves[order.client_id],
            waited_s=(now - order.created_at).total_seconds(),
        )

    def volatility(self) -> float:
        """Return the standard deviation of the price, in ticks, over PATIENCE decisions."""
        changes = [b - a for a, b in zip(self.middles, list(self.middles)[1:], strict=False)]
        return statistics.pstdev(changes) * math.sqrt(PATIENCE) if len(changes) > 1 else 0.0
