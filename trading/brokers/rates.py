"""How often a venue may be asked, by kind of request: token buckets in front of every broker. Pure.

A broker may be paced further by what its venue states in its answers.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Rate(NamedTuple):
    """So many requests in so many seconds."""

    requests: float
    seconds: float


EXCHANGE: Final[Mapping[str, Rate]] = {
    "place": Rate(50, 1),
    "amend": Rate(50, 1),
    "cancel": Rate(50, 1),
    "order": Rate(100, 1),
    "account": Rate(100, 1),
}
"""What the exchange of this installation lets one account do."""
BYBIT: Final[Mapping[str, Rate]] = {
    "place": Rate(10, 1),
    "amend": Rate(10, 1),
    "cancel": Rate(10, 1),
    "order": Rate(50, 1),
    "account": Rate(50, 1),
}
"""The classes of Bybit for linear contracts of a unified account, without a raised limit."""
DERIBIT: Final[Mapping[str, Rate]] = {
    "place": Rate(5, 1),
    "amend": Rate(5, 1),
    "cancel": Rate(5, 1),
    "order": Rate(20, 1),
    "account": Rate(20, 1),
}
"""The matching engine's limit of the lowest tier, and the credits of other requests."""
CAREFUL: Final[Mapping[str, Rate]] = {kind: Rate(5, 1) for kind in BYBIT}
"""For venues whose limits are not known here; ccxt paces its requests as well."""


def rates_of(venue: str) -> Mapping[str, Rate]:
    """Return the rates of a venue by its name, e.g. bybit-testnet."""
    known = {"bybit": BYBIT, "deribit": DERIBIT}
    return known.get(venue.removesuffix("-testnet"), CAREFUL)
