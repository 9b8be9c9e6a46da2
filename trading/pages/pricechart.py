"""A chart of the last hour's closes with prices and fills of an order or a position. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 600.0
HEIGHT: Final = 160.0
MARGIN: Final = 8.0


@dataclass(frozen=True)
class Traded:
    """A fill: when, at how many ticks, and whether it bought."""

    at_s: float
    ticks: int
    is_buy: bool


@dataclass(frozen=True)
class Level:
    """A price that is drawn as a line."""

    name: str
    price: str
    y: str


@dataclass(frozen=True)
class PriceChart:
    """What the page draws in a box of WIDTH x HEIGHT."""

    points: str
    high: str
    low: str
    began_s: float
    ended_s: float
    levels: Sequence[Level]
    fills: Sequence[tuple[str, str, bool]]
    """x, y, and whether it bought."""


def price_chart(
    closes: Sequence[tuple[float, int]],
    levels: Mapping[str, int],
    fills: Sequence[Traded],
    price: Callable[[int], object],
) -> PriceChart | None:
    """Return the chart of closes (seconds, ticks; the oldest first), None with less than two.

    Prices of `levels` and fills widen it, unless they are further from the closes than these
    spread: an order far away would flatten the line.
    """
    if len(closes) < 2:
        return None
    began_s, ended_s = closes[0][0], closes[-1][0]
    recent = [each for each in fills if began_s <= each.at_s]
    prices = [*levels.values(), *(each.ticks for each in recent)]
    low, high = _range([ticks for _, ticks in closes], prices)
    shown = [each for each in recent if low <= each.ticks <= high]

    def x(at_s: float) -> str:
        return f"{WIDTH * min(1.0, (at_s - began_s) / (ended_s - began_s)):.1f}"

    def y(ticks: int) -> str:
        return f"{HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (ticks - low) / (high - low):.1f}"

    return PriceChart(
        points=" ".join(f"{x(at_s)},{y(ticks)}" for at_s, ticks in closes),
        high=str(price(high)),
        low=str(price(low)),
        began_s=began_s,
        ended_s=ended_s,
        levels=[
            Level(name, str(price(ticks)), y(ticks) if low <= ticks <= high else "")
            for name, ticks in levels.items()
        ],
        fills=[(x(each.at_s), y(each.ticks), each.is_buy) for each in shown],
    )


def _range(closes: Sequence[int], prices: Sequence[int]) -> tuple[int, int]:
    low, high = min(closes), max(closes)
    spread = max(1, high - low)
    near = [each for each in prices if low - spread <= each <= high + spread]
    low, high = min([low, *near]), max([high, *near])
    return (low - 1, high + 1) if low == high else (low, high)
