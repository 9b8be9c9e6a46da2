"""The catalogue for templates of other apps."""

from collections.abc import Iterable

from django import template

from indicators.catalogue import CATALOGUE, Indicator

register = template.Library()


@register.simple_tag
def indicators() -> Iterable[Indicator]:
    """Return all indicators in the order of the catalogue."""
    return CATALOGUE.values()
