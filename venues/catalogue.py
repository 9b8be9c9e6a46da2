"""The doors that exist, by the name of their venue."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from venues.bybit.door import door as bybit
from venues.bybit.faultdialect import BybitDialect
from venues.deribit.door import door as deribit
from venues.deribit.faultdialect import DeribitDialect
from venues.doors.application import App
from venues.faults.dialects import Dialect

DOORS: Final[Mapping[str, Callable[[], App]]] = {"bybit": bybit, "deribit": deribit}
DIALECTS: Final[Mapping[str, Dialect]] = {"bybit": BybitDialect(), "deribit": DeribitDialect()}
"""What the injection of faults knows of each venue."""


@cache
def of_site() -> Mapping[str, App]:
    """Return the doors of this web process by the prefix of their paths, e.g. /bybit/."""
    return {f"/{name}/": make() for name, make in DOORS.items()}
