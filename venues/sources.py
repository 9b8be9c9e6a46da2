"""Where market data come from: feeds, by the name of their venue."""

from collections.abc import Callable, Mapping
from typing import Final

from venues.bybit.client import addresses, feed
from venues.bybit.client.addresses import Addresses
from venues.feeds.events import FeedError, OpenFeed

BYBIT: Final[Mapping[str, Addresses]] = {
    "bybit": addresses.MAINNET,
    "bybit-testnet": addresses.TESTNET,
}
FORMS: Final = ", ".join(BYBIT)
DEPTHS: Final = feed.DEPTHS


def feed_of(venue: str, url: str | None) -> OpenFeed:
    """Return what opens the feed of a venue, at `url` instead of its own address.

    Raise FeedError for a venue or an address that does not exist.
    """
    found: Callable[[Addresses], OpenFeed] | None = feed.opener if venue in BYBIT else None
    if found is None:
        raise FeedError(f"there is no feed of {venue!r}: choose one of {FORMS}")
    try:
        return found(Addresses.below(url) if url else BYBIT[venue])
    except ValueError as error:
        raise FeedError(str(error)) from error
