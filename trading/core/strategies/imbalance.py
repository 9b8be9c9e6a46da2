"""Imbalance of the book: buy where far more is bid than offered, sell where far less is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from trading.core.strategies.strategy import Decision, Parameter, Seen

EVEN: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Imbalance:
    """Long above `buy_from`, short below `sell_below`, and out once the book is even again."""

    buy_from: float
    sell_below: float
    levels: int
    lots: int
    urgency: float

    name: ClassVar = "imbalance"
    summary: ClassVar = "Follows the imbalance of the best levels of the book."
    parameters: ClassVar[Mapping[str, Parameter]] = {
        "buy_from": Parameter(0.75, EVEN, 1, "Share of the bids from which to be long."),
        "sell_below": Parameter(0.25, 0, EVEN, "Share of the bids up to which to be short."),
        "levels": Parameter(5, 1, 50, "Levels of each side that count.", is_whole=True),
        "lots": Parameter(1, 1, 1e9, "Size of the position.", is_whole=True),
        "urgency": Parameter(1, 0, 1, "1: take at once; 0: wait in the book."),
    }

    @classmethod
    def of(cls, values: Mapping[str, float]) -> Self:
        return cls(
            buy_from=values["buy_from"],
            sell_below=values["sell_below"],
            levels=int(values["levels"]),
            lots=int(values["lots"]),
            urgency=values["urgency"],
        )

    def decide(self, seen: Seen) -> Decision | None:
        bid = sum(level.lots for level in seen.bids[: self.levels])
        offered = sum(level.lots for level in seen.asks[: self.levels])
        if not bid + offered:
            return None
        share = bid / (bid + offered)
        why = {"imbalance": share, "bid_lots": bid, "ask_lots": offered}
        return Decision(target=self._target(share, seen.held), urgency=self.urgency, why=why)

    def _target(self, share: float, held: int) -> int:
        if share >= self.buy_from:
            return self.lots
        if share <= self.sell_below:
            return -self.lots
        has_turned = held and (share - EVEN) * held <= 0
        return 0 if has_turned else held
