"""Public trades as rows, over HTTP and in the channel `trades`. Pure."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from market.keys import row_key
from venues.deribit import numbers
from venues.deribit.contracts import Contract
from venues.deribit.words import DIRECTIONS


class Traded(NamedTuple):
    """A trade; `at` is in microseconds, `side` that of the aggressor, `mark` in ticks."""

    seq: int
    at: int
    ticks: int
    lots: int
    side: int
    mark: int
    is_liquidation: bool = False


class TickDirection:
    """0: above the price before, 2: below; 1 and 3: the same, after a rise or a fall."""

    def __init__(self, last: int = 0) -> None:
        self._last = last
        self._rose = True

    def of(self, ticks: int) -> int:
        """Return the direction of the next trade."""
        moved = ticks != self._last
        if moved:
            self._rose = ticks > self._last
            self._last = ticks
        return (0 if self._rose else 2) + (0 if moved else 1)


def trade_id(contract: Contract, seq: int) -> str:
    """Return the id of a trade: the same in public trades and for both its parties."""
    return str(row_key(contract.key, seq))


def trade_row(contract: Contract, trade: Traded, direction: int) -> dict[str, Any]:
    lattice = contract.lattice
    mark = numbers.price(lattice, trade.mark or trade.ticks)
    row = {
        "trade_seq": trade.seq,
        "trade_id": trade_id(contract, trade.seq),
        "timestamp": trade.at // 1_000,
        "tick_direction": direction,
        "price": numbers.price(lattice, trade.ticks),
        "mark_price": mark,
        "index_price": mark,
        "instrument_name": contract.name,
        "direction": DIRECTIONS[trade.side],
        "amount": numbers.amount(lattice, trade.lots),
        "contracts": float(trade.lots),
    }
    return {**row, "liquidation": "T"} if trade.is_liquidation else row


def trade_rows(
    contract: Contract, trades: Iterable[Traded], before: int = 0
) -> list[dict[str, Any]]:
    """Return rows of ascending trades; `before` is the price before the first, in ticks."""
    direction = TickDirection(before)
    return [trade_row(contract, each, direction.of(each.ticks)) for each in trades]
