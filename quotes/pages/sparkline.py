"""Points of an SVG sparkline of recent closes. Pure."""

from collections.abc import Sequence

WIDTH = 120
HEIGHT = 32
MARGIN = 2


def points(values: Sequence[int]) -> str:
    """Return the points of an SVG polyline in a WIDTH x HEIGHT box, or "" for under two values."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    across = WIDTH / (len(values) - 1)
    up = (HEIGHT - 2 * MARGIN) / (high - low) if high > low else 0.0
    base = HEIGHT - MARGIN if high > low else HEIGHT / 2
    return " ".join(
        f"{index * across:.1f},{base - (value - low) * up:.1f}"
        for index, value in enumerate(values)
    )
