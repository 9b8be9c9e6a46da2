"""The catalogue for templates of other apps."""

from django import template

from indicators.catalogue import Indicator, of_prices

register = template.Library()


@register.simple_tag
def indicators() -> list[Indicator]:
    """Return the indicators of prices in the order of the catalogue."""
    return of_prices()
