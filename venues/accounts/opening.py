"""Opens the broker of an account at a venue."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from instruments.models import Instrument
from venues.accounts.models import VenueAccount
from venues.brokers import Broker, NotSentError, RefusedError
from venues.feeds.events import Contract, Feed, FeedError, UnavailableError


class DisabledError(RuntimeError):
    """The account is not enabled."""


def usable(name: str) -> VenueAccount:
    """Return an account that is enabled; raise DisabledError or VenueAccount.DoesNotExist."""
    account = VenueAccount.objects.get(name=name)
    if not account.is_enabled:
        raise DisabledError(
            f"account {name} of {account.venue} is off: run manage.py venueaccount {name} --enable"
        )
    return account


@asynccontextmanager
async def opened(
    account: VenueAccount, traded: Mapping[str, Instrument]
) -> AsyncGenerator[Broker, None]:
    """Open the broker of an account, on the event loop that runs.

    `traded`: our instruments by their names at the venue. Raise DisabledError, and RefusedError if
    the venue has no such instrument, or one with other steps of prices or quantities.
    """
    from venues import adapters  # aiohttp: 0.2 s that only processes with such accounts need

    if not account.is_enabled:
        raise DisabledError(f"account {account.name} is off")
    url = account.url or None
    contracts: dict[str, Contract] = {}
    async with adapters.feed_of(account.venue, url)() as feed:
        for theirs, instrument in traded.items():
            contracts[instrument.symbol] = await _checked(feed, theirs, instrument)
    open_broker = adapters.broker_of(account.venue, url)
    async with open_broker(account.api_key, account.secret, contracts) as broker:
        yield broker


async def _checked(feed: Feed, theirs: str, instrument: Instrument) -> Contract:
    """Return a contract of the venue that has the lattice of our instrument; raise RefusedError."""
    try:
        found = await feed.contract(theirs)
    except FeedError as error:
        raise RefusedError(str(error)) from error
    except UnavailableError as error:
        raise NotSentError(str(error)) from error
    if found.lattice != instrument.lattice:
        ours, others = instrument.lattice, found.lattice
        raise RefusedError(
            f"{instrument.symbol} has ticks of {ours.tick_size} and lots of {ours.lot_size}, "
            f"{theirs} at the venue {others.tick_size} and {others.lot_size}"
        )
    return found
