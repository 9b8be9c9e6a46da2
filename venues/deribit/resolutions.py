"""Resolutions of charts: the length of a candle in seconds, by its name. Pure."""

from collections.abc import Mapping
from typing import Final

RESOLUTIONS: Final[Mapping[str, int]] = {
    **{str(minutes): 60 * minutes for minutes in (1, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720)},
    "1D": 86_400,
}
