"""Where market data come from and orders go to: feeds and brokers, by the name of their venue."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any, Final, Protocol, TypeVar

from venues import brokers
from venues.bybit.client import addresses, broker, feed
from venues.bybit.client.addresses import Addresses
from venues.bybit.client.rest import Credentials
from venues.deribit.client import addresses as deribit_addresses
from venues.deribit.client import broker as deribit_broker
from venues.deribit.client import feed as deribit_feed
from venues.deribit.client.session import Credentials as DeribitCredentials
from venues.feeds.events import Contract, FeedError, OpenFeed

T = TypeVar("T")
BYBIT: Final[Mapping[str, Addresses]] = {
    "bybit": addresses.MAINNET,
    "bybit-testnet": addresses.TESTNET,
}
DERIBIT: Final[Mapping[str, str]] = {
    "deribit": deribit_addresses.MAINNET,
    "deribit-testnet": deribit_addresses.TESTNET,
}
CCXT: Final = "ccxt:"
FORMS: Final = ", ".join([*BYBIT, *DERIBIT, f"{CCXT}EXCHANGE"])
DEPTHS: Final = feed.DEPTHS


class OpenBroker(Protocol):
    """Opens a broker with a key, on the event loop that runs; `contracts` by our symbols."""

    def __call__(
        self, key: str, secret: str, contracts: Mapping[str, Contract], /
    ) -> AbstractAsyncContextManager[brokers.Broker]: ...


def feed_of(venue: str, url: str | None = None) -> OpenFeed:
    """Return what opens the feed of a venue, at `url` instead of its own address.

    Raise FeedError for a venue or an address that does not exist.
    """
    if venue.startswith(CCXT):
        found: OpenFeed = _ccxt("feed").opener(venue.removeprefix(CCXT), url)
        return found
    if venue in DERIBIT:
        return deribit_feed.opener(_deribit(venue, url))
    return feed.opener(_bybit(venue, url))


def broker_of(venue: str, url: str | None = None) -> OpenBroker:
    """Return what opens brokers of a venue; raise FeedError as `feed_of`."""
    if venue.startswith(CCXT):
        found: OpenBroker = _ccxt("broker").opener(venue.removeprefix(CCXT), url)
        return found
    if venue in DERIBIT:
        return _deribit_broker(_deribit(venue, url))
    return _bybit_broker(_bybit(venue, url))


def _bybit_broker(at: Addresses) -> OpenBroker:
    def open_broker(
        key: str, secret: str, contracts: Mapping[str, Contract], /
    ) -> AbstractAsyncContextManager[brokers.Broker]:
        return broker.opened(at, Credentials(key, secret), contracts)

    return open_broker


def _deribit_broker(at: str) -> OpenBroker:
    def open_broker(
        key: str, secret: str, contracts: Mapping[str, Contract], /
    ) -> AbstractAsyncContextManager[brokers.Broker]:
        return deribit_broker.opened(at, DeribitCredentials(key, secret), contracts)

    return open_broker


def _bybit(venue: str, url: str | None) -> Addresses:
    if venue not in BYBIT:
        raise FeedError(f"there is no venue {venue!r}: choose one of {FORMS}")
    return _at(Addresses.below, url) if url else BYBIT[venue]


def _deribit(venue: str, url: str | None) -> str:
    return _at(deribit_addresses.socket_below, url) if url else DERIBIT[venue]


def _at(below: Callable[[str], T], url: str) -> T:
    try:
        return below(url)
    except ValueError as error:
        raise FeedError(str(error)) from error


def _ccxt(name: str) -> Any:
    """Return a module of venues.ccxt. ccxt takes a second to load, so only those who use it do."""
    return import_module(f"venues.ccxt.{name}")
