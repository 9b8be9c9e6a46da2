"""Fee schedules, in millionths of the notional value."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Fees(NamedTuple):
    taker_ppm: int
    maker_ppm: int


LAB: Final = Fees(taker_ppm=20, maker_ppm=0)
BYBIT: Final = Fees(taker_ppm=550, maker_ppm=200)
SCHEDULES: Final[Mapping[str, Fees]] = {"lab": LAB, "bybit": BYBIT}
