"""Orders, trades and positions of ccxt, and ours for them. Pure."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from exchange.engine.messages import BUY, SELL
from exchange.kinds import MONEY_UNITS
from instruments.lattice import Lattice
from venues.accountprogress import execution_number
from venues.brokers import (
    Balance,
    ExecutionSeen,
    Instruction,
    OrderReport,
    OrderSeen,
    PaymentSeen,
    PositionSeen,
    Style,
    VenueState,
)
from venues.ccxt.exchanges import decimal

SIDES: Final = {"buy": BUY, "sell": SELL, "long": BUY, "short": SELL}
WORDS: Final = {BUY: "buy", SELL: "sell"}
STATES: Final[Mapping[str, VenueState]] = {
    "open": VenueState.WORKING,
    "closed": VenueState.FILLED,
    "canceled": VenueState.CANCELLED,
    "canceling": VenueState.WORKING,
    "expired": VenueState.EXPIRED,
    "rejected": VenueState.REJECTED,
}
STATES_PAID: Final = ("bybit",)
"""Exchanges whose funding ccxt states as what the account has paid, not as what it received."""
TYPES: Final = {Style.POST_ONLY: "limit", Style.LIMIT: "limit", Style.MARKET: "market"}


def creation(
    order: Instruction, symbol: str, lattice: Lattice
) -> tuple[str, str, str, float, float | None, dict[str, Any]]:
    """Return the arguments of create_order; `symbol` is the venue's."""
    flags = {
        "clientOrderId": order.client_id,
        "reduceOnly": order.reduce_only,
        "postOnly": order.style is Style.POST_ONLY,
    }
    return (
        symbol,
        TYPES[order.style],
        WORDS[order.side],
        float(lattice.quantity(order.lots)),
        float(lattice.price(order.ticks)) if order.ticks else None,
        {name: value for name, value in flags.items() if value},
    )


def order_seen(row: Mapping[str, Any], symbol: str, lattice: Lattice) -> OrderSeen:
    """Return an order; `symbol` is our name of its instrument."""
    lots, filled = (steps(row[name], lattice.lot_size) for name in ("amount", "filled"))
    state = STATES[row["status"] or "open"]
    if state is VenueState.FILLED and filled < lots:
        state = VenueState.CANCELLED  # ccxt calls all orders closed that are not open
    is_limit = row["type"] != "market"
    return OrderSeen(
        client_id=row["clientOrderId"] or "",
        venue_id=str(row["id"]),
        symbol=symbol,
        side=SIDES[row["side"]],
        report=OrderReport(
            number=changed_at(row),
            state=state,
            lots=lots,
            filled=filled,
            ticks=steps(row["price"], lattice.tick_size) if is_limit else 0,
        ),
        reason=str(row["status"] or "open"),
    )


def changed_at(row: Mapping[str, Any]) -> int:
    """Return when an order changed last, in milliseconds, as far as the venue says."""
    times = (row.get(name) for name in ("lastUpdateTimestamp", "lastTradeTimestamp", "timestamp"))
    return max((int(each) for each in times if each), default=0)


def is_final(row: Mapping[str, Any]) -> bool:
    return STATES[row["status"] or "open"] is not VenueState.WORKING


def execution_seen(
    row: Mapping[str, Any], symbol: str, lattice: Lattice, client_id: str
) -> ExecutionSeen:
    """Return a fill. Fees count as money of the account, whatever their currency."""
    fee = row["fee"] or {}
    at_ms = int(row["timestamp"])
    return ExecutionSeen(
        number=execution_number(at_ms, str(row["id"]), str(row["order"])),
        venue_id=str(row["id"]),
        client_id=client_id,
        symbol=symbol,
        at=at_ms * 1_000,
        side=SIDES[row["side"]],
        ticks=steps(row["price"], lattice.tick_size),
        lots=steps(row["amount"], lattice.lot_size),
        is_maker=row["takerOrMaker"] == "maker",
        fee=money(fee.get("cost") or 0, ROUND_CEILING),
        realised=0,
    )


def position_seen(row: Mapping[str, Any], symbol: str, lattice: Lattice) -> PositionSeen:
    lots = steps(row["contracts"], lattice.lot_size) * SIDES.get(row["side"], 0)
    entry = decimal(row["entryPrice"] or 0) * lots * lattice.lot_size
    return PositionSeen(
        symbol=symbol,
        lots=lots,
        cost=money(entry * decimal(row["contractSize"] or 1)),
        mark=steps(row["markPrice"], lattice.tick_size),
        realised=money(row.get("realizedPnl") or 0),
        fees=0,
        funding=0,
    )


def payment_seen(row: Mapping[str, Any], symbol: str, exchange_id: str) -> PaymentSeen:
    """Return a payment of funding; where it has no id, its time names it within its instrument."""
    at_ms = int(row["timestamp"])
    received = money(row["amount"], ROUND_FLOOR)
    if exchange_id in STATES_PAID:
        received = -money(row["amount"], ROUND_CEILING)
    return PaymentSeen(
        venue_id=str(row["id"] or f"{row['symbol']} {at_ms}"),
        symbol=symbol,
        at=at_ms * 1_000,
        amount=received,
    )


def balance_of(found: Mapping[str, Any], currency: str) -> Balance:
    """Return the money in one currency; ccxt does not tell it from the equity."""
    total, free = (money((found.get(name) or {}).get(currency) or 0) for name in ("total", "free"))
    return Balance(balance=total, equity=total, available=free)


def steps(number: Any, step: Decimal) -> int:
    """Return a price or quantity in whole steps, rounded: averages lie between them."""
    return int((decimal(number or 0) / step).to_integral_value(ROUND_HALF_EVEN))


def money(number: Any, rounding: str = ROUND_HALF_EVEN) -> int:
    """Return an amount in MONEY_UNITS."""
    return int((decimal(number) * MONEY_UNITS).to_integral_value(rounding))
