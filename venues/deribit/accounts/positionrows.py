"""Positions as rows of Deribit."""

from decimal import Decimal
from typing import Any

from exchange.accounts.listings import Held
from exchange.accounts.loading import tick_value
from exchange.clearing.accounts import DEFAULT_LEVERAGE
from exchange.clearing.margin import initial_margin
from exchange.kinds import MONEY_UNITS
from venues.deribit import numbers, words
from venues.deribit.listed import Listed
from venues.doors.days import mark_of


def position_row(held: Held, listed: Listed) -> dict[str, Any]:
    """Return a position; sizes are in the base coin, money in the quote currency."""
    lattice = listed.lattice
    mark = numbers.price(lattice, held.mark)
    size = numbers.amount(lattice, held.lots)
    average = average_price(held, listed)
    return {
        "instrument_name": listed.name,
        "kind": "future",
        "direction": words.DIRECTIONS[(held.lots > 0) - (held.lots < 0)],
        "size": size,
        "size_currency": size,
        "delta": size,
        "average_price": average,
        "mark_price": mark,
        "index_price": mark,
        "settlement_price": mark,
        "estimated_liquidation_price": numbers.optional_price(lattice, held.liquidation or 0),
        "leverage": held.leverage,
        "initial_margin": numbers.money(position_margin(held)),
        "maintenance_margin": numbers.money(held.margin),
        "open_orders_margin": 0.0,
        "floating_profit_loss": numbers.money(held.unrealised),
        "realized_profit_loss": numbers.money(held.realised),
        "realized_funding": numbers.money(held.funding),
        "total_profit_loss": numbers.money(held.unrealised + held.realised + held.funding),
        "interest_value": 0.0,
    }


def position_margin(held: Held) -> int:
    """Return the initial margin of a position at its mark price."""
    value = abs(held.lots) * held.mark * tick_value(held.instrument)
    return initial_margin(value, held.leverage)


def average_price(held: Held, listed: Listed) -> float:
    """Return the price at which the position was opened; 0 of none."""
    if not held.lots:
        return 0.0
    price = Decimal(held.cost) / MONEY_UNITS / listed.lattice.quantity(held.lots)
    return float(numbers.rounded(price, listed.lattice.precision + numbers.AVERAGE_DIGITS))


def no_position(listed: Listed) -> Held:
    return Held(
        instrument=listed.instrument, lots=0, cost=0, leverage=DEFAULT_LEVERAGE,
        mark=mark_of(listed.instrument), unrealised=0, margin=0, liquidation=None, realised=0,
        fees=0, funding=0,
    )  # fmt: skip
