"""What accounts are worth and what margin they need, at given marks."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from exchange.clearing.accounts import Account, Contract, Holding
from exchange.clearing.margin import Exposure, exposure, initial_margin, maintenance_margin
from exchange.clearing.money import fee
from exchange.clearing.orders import Order

Quantity = tuple[int, int, int]
"""Side, ticks and lots."""


class Valuation(NamedTuple):
    """Of an account, in MONEY_UNITS."""

    equity: int
    """Balance and unrealised profit."""
    initial: int
    """Margin of positions and of orders that open."""
    maintenance: int
    """Margin below which the account is liquidated."""

    @property
    def available(self) -> int:
        """Return what new positions, or withdrawals, may use."""
        return self.equity - self.initial


def valuation(
    account: Account, contracts: Mapping[int, Contract], marks: Mapping[int, int]
) -> Valuation:
    """Value an account at `marks` (ticks by instrument)."""
    equity, initial, maintenance = account.balance, 0, 0
    for instrument, holding in account.holdings.items():
        mark, tick_value = marks[instrument], contracts[instrument].tick_value
        position = holding.position
        equity += position.unrealised(mark, tick_value)
        initial += requirement(
            open_exposure(holding, mark), tick_value, holding.leverage, account.fees.maker_ppm
        )
        maintenance += maintenance_margin(abs(position.lots) * mark * tick_value)
    return Valuation(equity, initial, maintenance)


def quantities(orders: Iterable[Order]) -> list[Quantity]:
    """Return side, ticks and open lots of resting orders."""
    return [(order.side, order.ticks, order.lots - order.filled) for order in orders]


def open_exposure(holding: Holding, mark: int) -> Exposure:
    """Return the exposure of a holding."""
    return exposure(holding.position.lots, quantities(holding.opening()), mark)


def requirement(exposed: Exposure, tick_value: int, leverage: int, maker_ppm: int) -> int:
    """Return the initial margin of a holding, its fees and losses to come included."""
    return (
        initial_margin(exposed.value * tick_value, leverage)
        + fee(exposed.opening * tick_value, maker_ppm)
        + exposed.loss * tick_value
    )
