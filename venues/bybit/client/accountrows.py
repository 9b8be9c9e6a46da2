"""Orders, executions, positions and balances of Bybit, and ours for them. Pure."""

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
    PaymentSeen,
    PositionSeen,
    Style,
    VenueState,
)
from venues.bybit.client.parsing import SIDES

CATEGORY: Final = "linear"
SETTLE_COIN: Final = "USDT"
WORDS: Final = {number: word for word, number in SIDES.items()}
STATES: Final[Mapping[str, VenueState]] = {
    "Created": VenueState.WORKING,
    "New": VenueState.WORKING,
    "PartiallyFilled": VenueState.WORKING,
    "Untriggered": VenueState.WORKING,
    "Triggered": VenueState.WORKING,
    "Filled": VenueState.FILLED,
    "Cancelled": VenueState.CANCELLED,
    "PartiallyFilledCanceled": VenueState.CANCELLED,
    "Deactivated": VenueState.CANCELLED,
    "Rejected": VenueState.REJECTED,
}
REFUSED_BY_BOOK: Final = ("EC_PostOnlyWillTakeLiquidity", "EC_NoEnoughQtyToFill")
"""Reasons for which Bybit cancels an order that it had only acknowledged."""
STYLES: Final[Mapping[Style, Mapping[str, str]]] = {
    Style.POST_ONLY: {"orderType": "Limit", "timeInForce": "PostOnly"},
    Style.LIMIT: {"orderType": "Limit", "timeInForce": "GTC"},
    Style.MARKET: {"orderType": "Market", "timeInForce": "IOC"},
}
TRADES: Final = ("Trade", "AdlTrade", "BustTrade")
"""Kinds of executions that change a position; the others are payments."""
FUNDING: Final = "Funding"


def creation(order: Instruction, symbol: str, lattice: Lattice) -> dict[str, Any]:
    """Return what creates an order in the instrument that the venue calls `symbol`."""
    fields: dict[str, Any] = {
        "category": CATEGORY,
        "symbol": symbol,
        "side": WORDS[order.side],
        **STYLES[order.style],
        "qty": f"{lattice.quantity(order.lots):f}",
        "orderLinkId": order.client_id,
        "positionIdx": 0,
    }
    if order.ticks:
        fields["price"] = f"{lattice.price(order.ticks):f}"
    if order.reduce_only:
        fields["reduceOnly"] = True
    return fields


def order_seen(row: Mapping[str, Any], symbol: str, lattice: Lattice) -> OrderSeen:
    """Return an order; `symbol` is our name of its instrument."""
    is_limit = row["orderType"] == "Limit"
    refusal = row.get("rejectReason", "")
    state = STATES[row["orderStatus"]]
    if state is VenueState.CANCELLED and refusal in REFUSED_BY_BOOK:
        state = VenueState.REJECTED
    ended_by = row.get("cancelType", "")
    reasons = (refusal, ended_by, row["orderStatus"])
    return OrderSeen(
        client_id=row["orderLinkId"],
        venue_id=row["orderId"],
        symbol=symbol,
        side=SIDES[row["side"]],
        report=OrderReport(
            number=int(row["updatedTime"]),
            state=state,
            lots=steps(row["qty"], lattice.lot_size),
            filled=steps(row["cumExecQty"], lattice.lot_size),
            ticks=steps(row["price"], lattice.tick_size) if is_limit else 0,
        ),
        reason=next(each for each in reasons if each not in ("", "EC_NoError", "UNKNOWN")),
    )


def execution_seen(row: Mapping[str, Any], symbol: str, lattice: Lattice) -> ExecutionSeen:
    """Return an execution. Its number begins with its time, so it rises with it."""
    return ExecutionSeen(
        number=number_of(row),
        venue_id=row["execId"],
        client_id=row["orderLinkId"],
        symbol=symbol,
        at=int(row["execTime"]) * 1_000,
        side=SIDES[row["side"]],
        ticks=steps(row["execPrice"], lattice.tick_size),
        lots=steps(row["execQty"], lattice.lot_size),
        is_maker=bool(row["isMaker"]),
        fee=money(row["execFee"], ROUND_CEILING),
        realised=money(row.get("execPnl") or "0"),
    )


def number_of(row: Mapping[str, Any]) -> int:
    return execution_number(int(row["execTime"]), row["execId"], row["orderId"])


def position_seen(row: Mapping[str, Any], symbol: str, lattice: Lattice) -> PositionSeen:
    lots = steps(row["size"], lattice.lot_size) * SIDES.get(row["side"], 0)
    entry = Decimal(row["avgPrice"] or 0) * lots * lattice.lot_size
    return PositionSeen(
        symbol=symbol,
        lots=lots,
        cost=money(str(entry)),
        mark=int(Decimal(row["markPrice"] or 0) / lattice.tick_size),
        realised=money(row["cumRealisedPnl"] or "0"),
        fees=0,  # the venue has subtracted them, and funding, from the realised profit
        funding=0,
    )


def payment_seen(row: Mapping[str, Any], symbol: str) -> PaymentSeen:
    """Return a payment of funding: an execution whose fee is what the account pays."""
    return PaymentSeen(
        venue_id=row["execId"],
        symbol=symbol,
        at=int(row["execTime"]) * 1_000,
        amount=-money(row["execFee"], ROUND_CEILING),
    )


def balance_of(row: Mapping[str, Any]) -> Balance:
    """Return the money of an account; dollars and dollar stablecoins count one to one."""
    return Balance(
        balance=money(row["totalWalletBalance"] or "0"),
        equity=money(row["totalEquity"] or "0"),
        available=money(row["totalAvailableBalance"] or "0"),
    )


def steps(text: str, step: Decimal) -> int:
    """Return a price or quantity in whole steps, rounded: averages lie between them."""
    return int((Decimal(text or 0) / step).to_integral_value(ROUND_HALF_EVEN))


def money(text: str, rounding: str = ROUND_HALF_EVEN) -> int:
    """Return an amount in MONEY_UNITS."""
    return int((Decimal(text) * MONEY_UNITS).to_integral_value(rounding))
