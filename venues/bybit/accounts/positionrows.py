"""Positions as rows of Bybit over REST."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from exchange.accounts.listings import Held
from exchange.accounts.loading import tick_value
from exchange.clearing.margin import TIERS, initial_margin
from exchange.kinds import MONEY_UNITS
from instruments.lattice import Lattice
from venues.bybit.numbers import (
    decimal_text,
    money_text,
    optional_price,
    price_text,
    quantity_text,
    rounded,
)
from venues.bybit.sequences import cross_sequence
from venues.bybit.words import SIDE_WORDS

CONSTANT: Mapping[str, Any] = {
    "positionIdx": 0,
    "riskId": 1,
    "riskLimitValue": str(TIERS[0].limit // MONEY_UNITS),
    "autoAddMargin": 0,
    "positionStatus": "Normal",
    "trailingStop": "0",
    "sessionAvgPrice": "",
    "delta": "",
    "gamma": "",
    "vega": "",
    "theta": "",
    "adlRankIndicator": 0,
    "isReduceOnly": False,
    "mmrSysUpdatedTime": "",
    "leverageSysUpdatedTime": "",
    "tpslMode": "Full",
    "bustPrice": "",
    "tradeMode": 0,
}


def position_row(held: Held, lattice: Lattice, take_profit: int, stop_loss: int) -> dict[str, Any]:
    """Return a position; take_profit and stop_loss are trigger prices in ticks, 0 for none."""
    worth = abs(held.cost)
    margin = money_text(position_margin(held))
    earned = held.realised - held.fees + held.funding
    updated = str(held.updated_at // 1_000) if held.updated_at else ""
    return {
        **CONSTANT,
        "symbol": held.instrument.symbol,
        "side": SIDE_WORDS[(held.lots > 0) - (held.lots < 0)],
        "size": quantity_text(lattice, abs(held.lots)),
        "avgPrice": average_price(held, lattice),
        "positionValue": money_text(worth) if held.lots else "",
        "leverage": str(held.leverage),
        "breakEvenPrice": break_even(held, lattice),
        "markPrice": price_text(lattice, held.mark),
        "liqPrice": optional_price(lattice, held.liquidation or 0),
        "positionIM": margin,
        "positionIMByMp": margin,
        "positionBalance": margin,
        "positionMM": money_text(held.margin),
        "positionMMByMp": money_text(held.margin),
        "takeProfit": optional_price(lattice, take_profit),
        "stopLoss": optional_price(lattice, stop_loss),
        "unrealisedPnl": money_text(held.unrealised) if held.lots else "",
        "curRealisedPnl": money_text(earned),
        "cumRealisedPnl": money_text(earned),
        "createdTime": updated,
        "updatedTime": updated,
        "openTime": held.updated_at // 1_000 if held.lots else 0,
        "seq": cross_sequence(held.updated_at),
    }


def position_margin(held: Held) -> int:
    """Return the initial margin of a position at its mark price."""
    value = abs(held.lots) * held.mark * tick_value(held.instrument)
    return initial_margin(value, held.leverage)


def average_price(held: Held, lattice: Lattice) -> str:
    """Return the price at which the position was opened; "0" of none."""
    return per_unit(held.cost, held.lots, lattice)


def break_even(held: Held, lattice: Lattice) -> str:
    """Return the price at which the position ends without profit, its past included."""
    earned = held.realised - held.fees + held.funding
    return per_unit(held.cost - earned, held.lots, lattice) if held.lots else ""


def per_unit(money: int, lots: int, lattice: Lattice) -> str:
    if not lots:
        return "0"
    price = Decimal(money) / MONEY_UNITS / lattice.quantity(lots)
    return decimal_text(rounded(price, lattice.precision + 4))
