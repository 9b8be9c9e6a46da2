"""Numbers as the admin shows them."""

from decimal import Decimal

from exchange.kinds import MONEY_UNITS
from instruments.models import Instrument


def money(units: int) -> str:
    return f"{Decimal(units) / MONEY_UNITS:,.8f}"


def price(instrument: Instrument, ticks: int) -> str:
    return f"{instrument.lattice.price(ticks):f}" if ticks else ""
