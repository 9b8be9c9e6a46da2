"""Small drawings of estimates beside their exact values."""

import math
from collections.abc import Sequence
from typing import Any, Final

from django import template

from exchange.truth.estimates import Estimate
from exchange.truth.reports import WITHIN, Plot, Point, agrees
from quotes.templatetags.numbers import minus

register = template.Library()

register.filter("agrees", agrees)
WIDTH: Final = 320.0
HEIGHT: Final = 150.0
LEFT: Final = 46.0
RIGHT: Final = 8.0
TOP: Final = 8.0
BOTTOM: Final = 20.0
MOST_MARKS: Final = 16
"""More estimates are drawn as a line."""
DEVIATION_WIDTH: Final = 100.0
FURTHEST: Final = 6.0
"""Standard errors at the ends of a deviation plot."""


@register.filter
def figure(value: float) -> str:
    """Return a number with four digits: 1.138, 0.5895, 562.5, 12,345."""
    if value == 0 or not math.isfinite(value):
        return minus(f"{value:.0f}")
    digits = 3 - math.floor(math.log10(abs(value)))
    return minus(f"{value:,.{min(4, max(0, digits))}f}")


@register.filter
def label(row: Estimate) -> str:
    """Return what tells an estimate from the others of its group, e.g. lag 5."""
    _, _, which = row.name.partition(", ")
    return which or row.name


@register.filter
def interval(row: Estimate) -> str:
    """Return half the interval of an estimate."""
    return figure(WITHIN * row.standard_error)


@register.inclusion_tag("exchange/deviation_plot.html")
def deviation_plot(row: Estimate) -> dict[str, Any]:
    """Return where an estimate is, in standard errors from its exact value in the middle."""

    def place(errors: float) -> float:
        inside = min(FURTHEST, max(-FURTHEST, errors))
        return round(DEVIATION_WIDTH * (inside + FURTHEST) / (2 * FURTHEST), 1)

    return {
        "width": DEVIATION_WIDTH,
        "exact": place(0) - 1,
        "band": {"x": place(-WITHIN), "width": place(WITHIN) - place(-WITHIN)},
        "estimate": place(row.z) - 1,
    }


@register.inclusion_tag("exchange/truth_plot.html")
def truth_plot(plot: Plot) -> dict[str, Any]:
    """Return the lines and marks of a plot in a box of WIDTH x HEIGHT."""
    scale = Scale(plot)
    marks = len(plot.points) <= MOST_MARKS
    ends = [plot.points[0].x, plot.points[-1].x]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "frame": {"left": LEFT, "right": WIDTH - RIGHT, "top": TOP, "bottom": HEIGHT - BOTTOM},
        "exact": scale.line([(point.x, point.exact) for point in plot.points]),
        "line": "" if marks else scale.line([(point.x, point.estimate) for point in plot.points]),
        "marks": [scale.mark(point) for point in plot.points] if marks else [],
        "x_labels": [{"x": scale.x(end), "text": f"{end:.4g}"} for end in ends],
        "y_labels": [{"y": scale.y(end), "text": figure(end)} for end in (scale.low, scale.high)],
    }


class Scale:
    """The axes of a plot."""

    def __init__(self, plot: Plot) -> None:
        self._is_log = plot.is_log
        self._left, self._right = self._at(plot.points[0].x), self._at(plot.points[-1].x)
        values = [*(point.exact for point in plot.points), *self._ends(plot.points)]
        self.low, self.high = min(values), max(values)

    def _ends(self, points: Sequence[Point]) -> Sequence[float]:
        return [point.estimate + side * point.error for point in points for side in (-1, 1)]

    def _at(self, x: float) -> float:
        return math.log(x) if self._is_log else x

    def x(self, x: float) -> float:
        width = (self._right - self._left) or 1.0
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (self._at(x) - self._left) / width, 1)

    def y(self, y: float) -> float:
        height = (self.high - self.low) or 1.0
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - self.low) / height, 1)

    def line(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)

    def mark(self, point: Point) -> dict[str, float]:
        return {
            "x": self.x(point.x),
            "y": self.y(point.estimate),
            "low": self.y(point.estimate - point.error),
            "high": self.y(point.estimate + point.error),
        }
