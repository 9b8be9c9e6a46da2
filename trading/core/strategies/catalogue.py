"""The strategies that bots can be configured with."""

from collections.abc import Mapping
from typing import Final

from trading.core.strategies.imbalance import Imbalance
from trading.core.strategies.marketmaker import MarketMaker
from trading.core.strategies.strategy import Strategy

STRATEGIES: Final[Mapping[str, type[Strategy]]] = {
    each.name: each for each in (Imbalance, MarketMaker)
}
