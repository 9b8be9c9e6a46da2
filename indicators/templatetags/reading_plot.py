"""A reading as a small drawing: estimate and interval, the truth, the band without memory."""

from typing import Any

from django import template

from indicators.models import Reading

register = template.Library()
DOMAINS = {
    "persistence": (-1.0, 1.0),
    "hurst": (0.2, 0.8),
    "entropy": (0.85, 1.0),
    "variance_ratio": (0.4, 1.6),
}
"""What the width of the drawing stands for."""
WIDTH = 100.0


@register.inclusion_tag("indicators/reading_plot.html")
def reading_plot(reading: Reading) -> dict[str, Any]:
    """Return where in a box of WIDTH the parts of the drawing are; None where there is none."""
    domain = DOMAINS[reading.indicator]
    is_phi = reading.indicator == "persistence"
    return {
        "width": WIDTH,
        "estimate": place(reading.value, domain),
        "interval": span(reading.low, reading.high, domain),
        "band": span(reading.null_low, reading.null_high, domain),
        "truth": place(reading.truth, domain) if is_phi else None,
    }


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
