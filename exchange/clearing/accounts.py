"""The state of accounts, as it is stored and loaded."""

from dataclasses import dataclass, field
from typing import Final

from exchange.clearing.fees import LAB, Fees
from exchange.clearing.orders import Order, State
from exchange.clearing.positions import Position

DEFAULT_LEVERAGE: Final = 10


@dataclass(slots=True, kw_only=True)
class Contract:
    """A linear perpetual: one tick times one lot is worth `tick_value` MONEY_UNITS.

    `mark` is its newest mark price in ticks, at which positions are valued.
    """

    instrument: int
    tick_value: int
    mark: int


@dataclass(slots=True, kw_only=True)
class Holding:
    """What an account has in one instrument: a position, a leverage and open orders by id."""

    position: Position = field(default_factory=Position)
    leverage: int = DEFAULT_LEVERAGE
    resting: dict[int, Order] = field(default_factory=dict)
    untriggered: dict[int, Order] = field(default_factory=dict)

    def keep(self, order: Order) -> None:
        """Add an open order."""
        waits = order.state is State.UNTRIGGERED
        (self.untriggered if waits else self.resting)[order.id] = order

    def drop(self, order: Order) -> None:
        """Remove an order that is no longer open."""
        self.resting.pop(order.id, None)
        self.untriggered.pop(order.id, None)

    def orders(self) -> list[Order]:
        """Return the open orders, oldest first."""
        return sorted((*self.resting.values(), *self.untriggered.values()), key=Order.age)

    def opening_orders(self) -> list[Order]:
        """Return the resting orders that may open a position."""
        return [order for order in self.resting.values() if not order.reduces]

    def reducing_orders(self) -> list[Order]:
        """Return the resting orders that only reduce the position."""
        return [order for order in self.resting.values() if order.reduces]


@dataclass(slots=True, kw_only=True)
class Account:
    """An account with cross margin: its whole balance covers all its positions.

    All contracts of a desk are settled in one currency (dollars and dollar stablecoins count one
    to one). `balance` is the sum of its ledger, `holdings` is by instrument, `events` and
    `executions` are the highest `number` in its rows.
    """

    id: int
    balance: int = 0
    fees: Fees = LAB
    holdings: dict[int, Holding] = field(default_factory=dict)
    events: int = 0
    executions: int = 0

    def holding(self, instrument: int) -> Holding:
        """Return the holding in an instrument, a new one if there is none."""
        if (holding := self.holdings.get(instrument)) is None:
            holding = self.holdings[instrument] = Holding()
        return holding
