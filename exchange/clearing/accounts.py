"""The state of accounts, as it is stored and loaded."""

from dataclasses import dataclass, field
from typing import Final

from exchange.clearing.fees import LAB, Fees
from exchange.clearing.orders import Order
from exchange.clearing.positions import Position

DEFAULT_LEVERAGE: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A linear perpetual: one tick times one lot is worth `tick_value` MONEY_UNITS."""

    instrument: int
    tick_value: int


@dataclass(slots=True, kw_only=True)
class Account:
    """An account with cross margin: its whole balance covers all its positions.

    All contracts of a desk are settled in one currency (dollars and dollar stablecoins count one
    to one). `balance` is the sum of its ledger, `orders` are its open ones by id (NEW,
    PARTIALLY_FILLED, UNTRIGGERED), `events` and `executions` the highest `number` in its rows.
    """

    id: int
    balance: int = 0
    fees: Fees = LAB
    leverages: dict[int, int] = field(default_factory=dict)  # by instrument
    positions: dict[int, Position] = field(default_factory=dict)  # by instrument
    orders: dict[int, Order] = field(default_factory=dict)
    events: int = 0
    executions: int = 0

    def leverage(self, instrument: int) -> int:
        return self.leverages.get(instrument, DEFAULT_LEVERAGE)
