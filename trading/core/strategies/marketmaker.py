"""A market maker: a bid and an ask around the middle, moved against what it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from exchange.engine.messages import BUY, SELL
from trading.core.strategies.strategy import Decision, Parameter, Quote, Seen


@dataclass(frozen=True, kw_only=True)
class MarketMaker:
    """Quotes both sides, the side that adds to a full position not at all."""

    distance: int
    lots: int
    most_lots: int
    skew: float

    name: ClassVar = "marketmaker"
    summary: ClassVar = "Rests a bid and an ask near the best prices."
    parameters: ClassVar[Mapping[str, Parameter]] = {
        "distance": Parameter(0, 0, 1e6, "Ticks behind the best prices.", is_whole=True),
        "lots": Parameter(1, 1, 1e9, "Size of each order.", is_whole=True),
        "most_lots": Parameter(5, 1, 1e9, "Largest position, long or short.", is_whole=True),
        "skew": Parameter(1, 0, 1e6, "Ticks by which a full position moves both prices."),
    }

    @classmethod
    def of(cls, values: Mapping[str, float]) -> Self:
        if values["lots"] > values["most_lots"]:
            raise ValueError(
                f"lots {values['lots']:g} exceeds most_lots {values['most_lots']:g}: "
                "no order would ever fit"
            )
        return cls(
            distance=int(values["distance"]),
            lots=int(values["lots"]),
            most_lots=int(values["most_lots"]),
            skew=values["skew"],
        )

    def decide(self, seen: Seen) -> Decision | None:
        touch = seen.touch
        if touch is None:
            return None
        shift = -round(self.skew * seen.held / self.most_lots)
        # Never past the other side's best price: a post-only order would be rejected there.
        bid = min(touch.bid - self.distance + shift, touch.ask - 1)
        ask = max(touch.ask + self.distance + shift, touch.bid + 1)
        wanted = ((BUY, max(1, bid)), (SELL, ask))
        quotes = [
            Quote(side=side, ticks=ticks, lots=lots)
            for side, ticks in wanted
            if (lots := min(self.lots, self.most_lots - side * seen.held)) > 0
        ]
        why = {"bid": touch.bid, "ask": touch.ask, "held": seen.held, "shift": shift}
        return Decision(quotes=quotes, why=why)
