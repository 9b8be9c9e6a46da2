"""Orders, executions, positions and balances of Deribit, and ours for them. Pure."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from exchange.kinds import MONEY_UNITS
from instruments.lattice import Lattice
from venues.accountprogress import execution_number
from venues.brokers import (
    Balance,
    ExecutionSeen,
    Instruction,
    OrderReport,
    OrderSeen,
    PositionSeen,
    Style,
    VenueState,
)
from venues.deribit.client.parsing import SIDES, steps

CURRENCY: Final = "USDC"
"""The currency in which linear contracts are settled."""
KIND: Final = "future"
STATES: Final[Mapping[str, VenueState]] = {
    "open": VenueState.WORKING,
    "untriggered": VenueState.WORKING,
    "triggered": VenueState.WORKING,
    "filled": VenueState.FILLED,
    "cancelled": VenueState.CANCELLED,
    "rejected": VenueState.REJECTED,
}
STYLES: Final[Mapping[Style, Mapping[str, Any]]] = {
    Style.POST_ONLY: {"type": "limit", "post_only": True, "reject_post_only": True},
    Style.LIMIT: {"type": "limit", "time_in_force": "good_til_cancelled"},
    Style.MARKET: {"type": "market"},
}


def creation(order: Instruction, symbol: str, lattice: Lattice, valid_until: int) -> dict[str, Any]:
    """Return what creates an order in the instrument that the venue calls `symbol`.

    After `valid_until`, in milliseconds of its own clock, the venue does not execute it any more.
    """
    fields = {
        "instrument_name": symbol,
        "amount": float(lattice.quantity(order.lots)),
        **STYLES[order.style],
        "label": order.client_id,
        "valid_until": valid_until,
    }
    if order.ticks:
        fields["price"] = float(lattice.price(order.ticks))
    if order.reduce_only:
        fields["reduce_only"] = True
    return fields


def change(row: Mapping[str, Any], lots: int, ticks: int, lattice: Lattice) -> dict[str, Any]:
    """Return what changes an order to a size in all and a limit; it stays post-only."""
    fields = {"order_id": row["order_id"], "amount": float(lattice.quantity(lots))}
    if ticks:
        fields["price"] = float(lattice.price(ticks))
    if row.get("post_only"):
        fields |= {"post_only": True, "reject_post_only": True}
    return fields


def is_final(row: Mapping[str, Any]) -> bool:
    return STATES[row["order_state"]] is not VenueState.WORKING


def limit_of(row: Mapping[str, Any], lattice: Lattice) -> int:
    """Return the limit of an order in ticks, 0 of a market order."""
    price = row["price"]
    return 0 if isinstance(price, str) else steps(price, lattice.tick_size)


def order_seen(row: Mapping[str, Any], symbol: str, lattice: Lattice) -> OrderSeen:
    """Return an order; `symbol` is our name of its instrument."""
    return OrderSeen(
        client_id=row.get("label", ""),
        venue_id=row["order_id"],
        symbol=symbol,
        side=SIDES[row["direction"]],
        report=OrderReport(
            number=int(row["last_update_timestamp"]),
            state=STATES[row["order_state"]],
            lots=steps(row["amount"], lattice.lot_size),
            filled=steps(row.get("filled_amount", 0), lattice.lot_size),
            ticks=limit_of(row, lattice),
        ),
        reason=row.get("cancel_reason") or row["order_state"],
    )


def execution_seen(row: Mapping[str, Any], symbol: str, lattice: Lattice) -> ExecutionSeen:
    """Return an execution. Its number begins with its time, so it rises with it."""
    return ExecutionSeen(
        number=number_of(row),
        venue_id=row["trade_id"],
        client_id=row.get("label") or "",
        symbol=symbol,
        at=int(row["timestamp"]) * 1_000,
        side=SIDES[row["direction"]],
        ticks=steps(row["price"], lattice.tick_size),
        lots=steps(row["amount"], lattice.lot_size),
        is_maker=row["liquidity"] == "M",
        fee=money(row["fee"], ROUND_CEILING),
        realised=money(row.get("profit_loss") or 0),
    )


def number_of(row: Mapping[str, Any]) -> int:
    return execution_number(int(row["timestamp"]), row["trade_id"], row["order_id"])


def position_seen(row: Mapping[str, Any], symbol: str, lattice: Lattice) -> PositionSeen:
    lots = steps(row["size"], lattice.lot_size)
    if row["direction"] == "sell":
        lots = -abs(lots)
    entry = Decimal(str(row["average_price"])) * lots * lattice.lot_size
    return PositionSeen(
        symbol=symbol,
        lots=lots,
        cost=money(entry),
        mark=steps(row["mark_price"], lattice.tick_size),
        realised=money(row.get("realized_profit_loss") or 0),
        fees=0,  # the venue does not say
        funding=money(row.get("realized_funding") or 0),
    )


def balance_of(row: Mapping[str, Any]) -> Balance:
    return Balance(
        balance=money(row["balance"]),
        equity=money(row["equity"]),
        available=money(row["available_funds"]),
    )


def money(amount: float | Decimal, rounding: str = ROUND_HALF_EVEN) -> int:
    """Return an amount in MONEY_UNITS."""
    return int((Decimal(str(amount)) * MONEY_UNITS).to_integral_value(rounding))
