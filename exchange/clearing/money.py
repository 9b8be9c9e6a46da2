"""Money: whole MONEY_UNITS; what an account owes is rounded up, what it is owed down."""

from typing import Final

PPM: Final = 10**6
LARGEST_MONEY: Final = 10**18
"""Bound of balances and payments; with it, sums stay within 64 bits."""


def ceil_div(amount: int, divisor: int) -> int:
    return -(-amount // divisor)


def fee(value: int, ppm: int) -> int:
    """Return `ppm` millionths of a notional value, rounded up."""
    return ceil_div(value * ppm, PPM)
