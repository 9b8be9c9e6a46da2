"""Numbers as the pages write them."""

from django import template

from quotes.pages.watchlist import MINUS

register = template.Library()


@register.filter
def minus(number: object) -> str:
    """Write a real minus sign, as wide as the plus and the digits."""
    return str(number).replace("-", MINUS)
