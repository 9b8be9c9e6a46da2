"""Names of channels, e.g. book.BTC-PERPETUAL.100ms. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from venues.deribit.resolutions import RESOLUTIONS

INTERVALS: Final = ("raw", "100ms", "agg2")
RAW: Final = "raw"
INTERVALS_S: Final = {RAW: 0.0, "100ms": 0.1, "agg2": 1.0}
GROUPS: Final = ("none", "1", "2", "5", "10", "25", "100", "250")
DEPTHS: Final = ("1", "10", "20")
KINDS: Final = ("any", "future")
ANY: Final = "any"


class Kind(Enum):
    INDEX = "deribit_price_index"
    TICKER = "ticker"
    INCREMENTAL_TICKER = "incremental_ticker"
    BOOK = "book"
    GROUPED_BOOK = "grouped book"
    QUOTE = "quote"
    TRADES = "trades"
    CHART = "chart.trades"
    STATE = "platform_state"
    ORDERS = "user.orders"
    USER_TRADES = "user.trades"
    PORTFOLIO = "user.portfolio"

    @property
    def is_private(self) -> bool:
        return self.value.startswith("user.")


@dataclass(frozen=True)
class Channel:
    """`subject`: an instrument, an index, a currency, or "any"; `currency`: of "any" alone."""

    name: str
    kind: Kind
    subject: str = ""
    interval: str = ""
    group: str = ""
    depth: int = 0
    currency: str = ANY

    @property
    def is_raw(self) -> bool:
        """Return whether public sockets may not follow it: raw data needs a login."""
        return self.interval == RAW and not self.kind.is_private


def channel(name: str) -> Channel | None:
    """Return the channel with this name; None if no channel is named so."""
    parts = name.split(".")
    for length in (2, 1):
        head, rest = ".".join(parts[:length]), parts[length:]
        if head in _READERS and all(parts) and len(parts) >= length:
            return _READERS[head](name, rest)
    return None


def _index(name: str, rest: list[str]) -> Channel | None:
    return Channel(name, Kind.INDEX, rest[0]) if len(rest) == 1 else None


def _of_interval(kind: Kind) -> Callable[[str, list[str]], Channel | None]:
    def read(name: str, rest: list[str]) -> Channel | None:
        match rest:
            case [subject, interval] if interval in INTERVALS:
                return Channel(name, kind, subject, interval)
        return None

    return read


def _of_subject(kind: Kind) -> Callable[[str, list[str]], Channel | None]:
    def read(name: str, rest: list[str]) -> Channel | None:
        return Channel(name, kind, rest[0]) if len(rest) == 1 else None

    return read


def _book(name: str, rest: list[str]) -> Channel | None:
    match rest:
        case [subject, interval] if interval in INTERVALS:
            return Channel(name, Kind.BOOK, subject, interval)
        case [subject, group, depth, interval] if (
            group in GROUPS and depth in DEPTHS and interval in INTERVALS
        ):
            return Channel(name, Kind.GROUPED_BOOK, subject, interval, group, int(depth))
    return None


def _trades(name: str, rest: list[str]) -> Channel | None:
    return _selected(name, Kind.TRADES, rest)


def _chart(name: str, rest: list[str]) -> Channel | None:
    match rest:
        case [subject, resolution] if resolution in RESOLUTIONS:
            return Channel(name, Kind.CHART, subject, resolution)
    return None


def _state(name: str, rest: list[str]) -> Channel | None:
    return None if rest and rest != ["public_methods_state"] else Channel(name, Kind.STATE)


def _portfolio(name: str, rest: list[str]) -> Channel | None:
    return Channel(name, Kind.PORTFOLIO, rest[0].upper()) if len(rest) == 1 else None


def _selected(name: str, kind: Kind, rest: list[str]) -> Channel | None:
    """Return a channel of one instrument, or of a kind of instruments and a currency."""
    match rest:
        case [subject, interval] if interval in INTERVALS:
            return Channel(name, kind, subject, interval)
        case [group, currency, interval] if group in KINDS and interval in INTERVALS:
            chosen = ANY if currency.lower() == ANY else currency.upper()
            return Channel(name, kind, ANY, interval, currency=chosen)
    return None


_READERS: Final[dict[str, Callable[[str, list[str]], Channel | None]]] = {
    "deribit_price_index": _index,
    "ticker": _of_interval(Kind.TICKER),
    "incremental_ticker": _of_subject(Kind.INCREMENTAL_TICKER),
    "book": _book,
    "quote": _of_subject(Kind.QUOTE),
    "trades": _trades,
    "chart.trades": _chart,
    "platform_state": _state,
    "user.orders": lambda name, rest: _selected(name, Kind.ORDERS, rest),
    "user.trades": lambda name, rest: _selected(name, Kind.USER_TRADES, rest),
    "user.portfolio": _portfolio,
}
