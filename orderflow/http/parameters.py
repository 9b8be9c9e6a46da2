"""Query parameters of order flow, and their descriptions."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter

from archive.instruments import Newest, find_with_newest
from exchange.kinds import TRADES
from instruments.models import Instrument
from orderflow.stepping import AUTO
from orderflow.steps import LARGEST
from web.parameters import Parameters, refused
from web.views import unknown_instrument

SMALLEST_PERCENT: Final = Decimal("0.01")
LARGEST_PERCENT: Final = Decimal(50)


def step(request: HttpRequest, asked: Parameters) -> int:
    """Return the ticks per row, AUTO by default."""
    text = request.GET.get("step", "auto")
    if text == "auto":
        return AUTO
    if not text.isascii() or not text.isdecimal():
        raise refused("step", f"{text!r} is neither auto nor a number of ticks from 1 to {LARGEST}")
    return asked.whole("step", 1, LARGEST, 1)


def percent(request: HttpRequest, default: Decimal | None) -> Decimal | None:
    """Return a percentage; None where it is not given and has no default."""
    text = request.GET.get("percent", "")
    if not text:
        return default
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not (found.is_finite() and SMALLEST_PERCENT <= found <= LARGEST_PERCENT):
        raise refused(
            "percent", f"{text!r} is not a number from {SMALLEST_PERCENT} to {LARGEST_PERCENT}"
        )
    return found


def traded(symbol: str) -> tuple[Instrument, Newest | None]:
    """Return an instrument and its newest trade; raise NotFound."""
    found = None if "\0" in symbol else find_with_newest(symbol, TRADES)
    if found is None:
        raise unknown_instrument(symbol)
    return found


def shown_step(chosen: int) -> Any:
    return "auto" if chosen == AUTO else chosen


STEP: Final = OpenApiParameter(
    "step",
    {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": LARGEST},
            {"type": "string", "enum": ["auto"]},
        ],
        "default": "auto",
    },
    description="Ticks per row; auto: chosen from 1, 2, 5, 10 ...",
)
PERCENT: Final = OpenApiParameter(
    "percent",
    {"type": "number", "minimum": float(SMALLEST_PERCENT), "maximum": float(LARGEST_PERCENT)},
    description="Rows within this percentage of the price.",
)
