"""Rows of the desk, numbered in their streams."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from exchange.clearing.accounts import Account
from exchange.clearing.ledger import LedgerCause
from exchange.clearing.orders import Cause, Order, State
from exchange.kinds import EXECUTIONS, FUNDING, ORDER_EVENTS
from market.kinds import Delivery, Kind

LARGEST: Final = 2**63 - 1


@dataclass(slots=True, kw_only=True)
class Tails:
    """The newest seq of each stream of the desk, by instrument (0 if there is none)."""

    order_events: dict[int, int] = field(default_factory=dict)
    executions: dict[int, int] = field(default_factory=dict)
    funding: dict[int, int] = field(default_factory=dict)
    liquidations: int = 0
    """Orders of the exchange so far: the next one has the id -(liquidations + 1)."""


class Records:
    """Numbers rows and keeps them until they are taken."""

    def __init__(self, tails: Tails) -> None:
        self._tails = {
            ORDER_EVENTS.name: tails.order_events.copy(),
            EXECUTIONS.name: tails.executions.copy(),
            FUNDING.name: tails.funding.copy(),
        }
        self._rows: dict[tuple[str, int], tuple[Kind, list[tuple[int, ...]]]] = {}

    def order_event(
        self, at: int, instrument: int, account: Account, order: Order, command: int, cause: Cause
    ) -> None:
        """Record what an order is now, in the stream of an instrument."""
        account.events += 1
        who = account.id, account.events, order.id, command, order.state, cause, order.side
        what = (_bounded(each) for each in (order.ticks, order.trigger_ticks, order.lots))
        self._add(ORDER_EVENTS, instrument, at, (*who, *what, order.filled))

    def answer(
        self, at: int, instrument: int, account: Account, command: int, cause: Cause, lots: int = 0
    ) -> None:
        """Record the result of a command that concerns no single order."""
        account.events += 1
        state = State.REJECTED if cause.is_rejection else State.PENDING
        row = (account.id, account.events, 0, command, state, cause, 0, 0, 0, lots, 0)
        self._add(ORDER_EVENTS, instrument, at, row)

    def execution(
        self,
        at: int,
        account: Account,
        order: Order,
        trade: tuple[int, int, int],  # seq, ticks, lots
        *,
        is_maker: bool,
        fee: int,
        realised: int,
    ) -> None:
        """Record a fill."""
        account.executions += 1
        seq, ticks, lots = trade
        row = (account.id, account.executions, order.id, seq, order.side, ticks, lots)
        self._add(EXECUTIONS, order.instrument, at, (*row, is_maker, fee, realised))

    def money(
        self,
        at: int,
        instrument: int,
        account: Account,
        cause: LedgerCause,
        amount: int,
        *,
        position: int = 0,
        ticks: int = 0,
    ) -> None:
        """Record money that moves without a trade."""
        self._add(FUNDING, instrument, at, (account.id, cause, position, ticks, amount))

    def take(self) -> list[Delivery]:
        """Return the rows since the last call."""
        taken, self._rows = self._rows, {}
        return [Delivery(kind, np.array(rows, kind.dtype)) for kind, rows in taken.values()]

    def _add(self, kind: Kind, instrument: int, at: int, fields: tuple[Any, ...]) -> None:
        tails = self._tails[kind.name]
        seq = tails[instrument] = tails.get(instrument, 0) + 1
        key = kind.name, instrument
        if key not in self._rows:
            self._rows[key] = kind, []
        self._rows[key][1].append((instrument, seq, at, *fields))


def _bounded(number: int) -> int:
    """Return a number that fits a row: rejected orders may hold any."""
    return max(-LARGEST, min(number, LARGEST))
