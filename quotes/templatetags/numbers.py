"""Template filters for numbers."""

from decimal import Decimal
from typing import Final

from django import template

from quotes.pages.watchlist import MINUS

register = template.Library()
CENT: Final = Decimal("0.01")
MISSING: Final = "\N{EN DASH}"


@register.filter
def minus(number: object) -> str:
    """Replace hyphens by minus signs, which are as wide as digits."""
    return str(number).replace("-", MINUS)


@register.filter
def money(amount: Decimal | None) -> str:
    """Return an amount with two decimals, one below 1 with all that it has."""
    if amount is None:
        return MISSING
    if abs(amount) >= 1 or not amount:
        return minus(f"{amount.quantize(CENT):,f}")
    return minus(f"{amount.normalize():f}")
