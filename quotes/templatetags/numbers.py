"""Template filters for numbers."""

from django import template

from quotes.pages.watchlist import MINUS

register = template.Library()


@register.filter
def minus(number: object) -> str:
    """Replace hyphens by minus signs, which are as wide as digits."""
    return str(number).replace("-", MINUS)
