"""What accounts are worth and what margin they need, at given marks."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from exchange.clearing.accounts import Account, Contract, Holding
from exchange.clearing.margin import Opening, exposure, maintenance_margin, requirement
from exchange.clearing.orders import Order


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


def valuation(account: Account, contracts: Mapping[int, Contract]) -> Valuation:
    """Value an account at the marks of the contracts (by instrument)."""
    equity, maintenance = solvency(account, contracts)
    initial = sum(
        required(account, holding, contracts[instrument])
        for instrument, holding in account.holdings.items()
    )
    return Valuation(equity, initial, maintenance)


def solvency(account: Account, contracts: Mapping[int, Contract]) -> tuple[int, int]:
    """Return equity and maintenance margin."""
    equity, maintenance = account.balance, 0
    for instrument, holding in account.holdings.items():
        if lots := holding.position.lots:
            contract = contracts[instrument]
            value = lots * contract.mark * contract.tick_value
            equity += value - holding.position.cost
            maintenance += maintenance_margin(abs(value))
    return equity, maintenance


def required(account: Account, holding: Holding, contract: Contract) -> int:
    """Return the initial margin of a holding."""
    exposed = exposure(holding.position.lots, opening(holding, contract.mark))
    return requirement(exposed, contract.tick_value, holding.leverage, account.fees.maker_ppm)


def opening(holding: Holding, mark: int, without: Order | None = None) -> Opening:
    """Return the sums of the resting orders that may open a position."""
    sums = Opening(mark)
    for order in holding.resting.values():
        if not (order.reduce_only or order.close) and order is not without:
            sums.add(order.side, order.ticks, order.lots - order.filled)
    return sums


def liquidation_ticks(
    account: Account, contracts: Mapping[int, Contract], instrument: int
) -> int | None:
    """Return the mark at which a position would be liquidated if no other mark moved.

    None if there is no position, or no price liquidates it.
    """
    position = account.holdings[instrument].position if instrument in account.holdings else None
    if position is None or not position.lots:
        return None
    contract = contracts[instrument]

    def is_below(ticks: int) -> bool:
        moved = {**contracts, instrument: replace(contract, mark=ticks)}
        equity, maintenance = solvency(account, moved)
        return equity < maintenance

    mark = contract.mark
    if is_below(mark):
        return mark
    if position.lots > 0:
        lowest_safe = bisect_left(range(mark), True, key=lambda ticks: not is_below(ticks))
        return lowest_safe - 1 if lowest_safe > 1 else None
    highest = 2 * mark
    while not is_below(highest):
        highest *= 2
    return mark + bisect_left(range(mark, highest), True, key=is_below)
