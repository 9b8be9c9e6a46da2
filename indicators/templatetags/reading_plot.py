"""A reading as a small drawing: estimate and interval, truth, and the band without memory."""

from math import floor, log10
from typing import Any

from django import template

from indicators.catalogue import CATALOGUE
from indicators.models import Reading

register = template.Library()
WIDTH = 100.0


@register.inclusion_tag("indicators/reading_plot.html")
def reading_plot(reading: Reading) -> dict[str, Any]:
    """Return the positions of the elements in a box of WIDTH; None without a value."""
    indicator = CATALOGUE[reading.indicator]
    domain = indicator.domain
    return {
        "width": WIDTH,
        "estimate": place(reading.value, domain),
        "interval": span(reading.low, reading.high, domain),
        "band": span(reading.null_low, reading.null_high, domain),
        "truth": place(reading.truth, domain) if indicator.estimates_truth else None,
    }


@register.filter
def compact(number: float, significant: int = 3) -> str:
    """Return a number with three significant digits, e.g. 12,345, 0.926 or 0.00812."""
    if number == 0 or abs(number) >= 1_000:
        return f"{number:,.0f}"
    decimals = significant - 1 - floor(log10(abs(number)))
    return f"{number:.{min(8, max(0, decimals))}f}"


def place(value: float | None, domain: tuple[float, float]) -> float | None:
    if value is None:
        return None
    low, high = domain
    share = (value - low) / (high - low)
    return round(WIDTH * min(1.0, max(0.0, share)), 1)


def span(
    low: float | None, high: float | None, domain: tuple[float, float]
) -> dict[str, float] | None:
    start, end = place(low, domain), place(high, domain)
    if start is None or end is None:
        return None
    return {"x": start, "width": round(end - start, 1)}
