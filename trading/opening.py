"""Opens the broker that a bot is configured with."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from exchange.vault import SealError
from instruments.models import Instrument
from trading.brokers import rates
from trading.brokers.inprocess import ExchangeBroker
from trading.brokers.paper import PaperBroker
from trading.configuring import traded_by
from trading.databasecalls import in_thread
from trading.models import Bot
from trading.models.bots import EXCHANGE, PAPER, VENUE
from venues.accounts.opening import DisabledError
from venues.accounts.opening import opened as opened_account
from venues.brokers import Broker, RefusedError
from venues.feeds.events import FeedError

BROKERS: Final = (EXCHANGE, VENUE, PAPER)


class NoBrokerError(ValueError):
    """A bot cannot trade where it is configured to."""


@asynccontextmanager
async def opened(bot: Bot) -> AsyncGenerator[Broker, None]:
    """Open the broker of a bot, on the event loop that runs; raise NoBrokerError, BrokerError."""
    if bot.broker == EXCHANGE:
        async with _of_exchange(bot) as broker:
            yield broker
    elif bot.broker == VENUE:
        async with _of_venue(bot, await in_thread(traded_by, bot)) as broker:
            yield broker
    elif bot.broker == PAPER:
        traded = await in_thread(traded_by, bot)
        yield guarded(PaperBroker(bot, {each.symbol: each for each in traded.values()}))
    else:
        known = ", ".join(BROKERS)
        raise NoBrokerError(f"broker {bot.broker!r} of bot {bot.name} is not known: use {known}")


@asynccontextmanager
async def _of_exchange(bot: Bot) -> AsyncGenerator[Broker, None]:
    if bot.account is None:
        raise NoBrokerError(f"bot {bot.name} has no account of the exchange: give it one")
    broker = ExchangeBroker(bot.account)
    try:
        yield guarded(broker)
    finally:
        await asyncio.to_thread(broker.close)  # it waits for calls that still run


@asynccontextmanager
async def _of_venue(bot: Bot, traded: Mapping[str, Instrument]) -> AsyncGenerator[Broker, None]:
    account = bot.venue_account
    if account is None:
        raise NoBrokerError(f"bot {bot.name} has no account at a venue: give it one")
    async with AsyncExitStack() as stack:
        try:
            broker = await stack.enter_async_context(opened_account(account, traded))
        except (DisabledError, SealError) as error:
            raise NoBrokerError(str(error)) from error
        except FeedError as error:
            raise RefusedError(str(error)) from error
        yield guarded(broker, rates.rates_of(account.venue))


def guarded(broker: Broker, limits: Mapping[str, rates.Rate] = rates.EXCHANGE) -> Broker:
    """Return the broker behind limiters and breakers.

    The breaker's package imports Redis's client: 0.3 s that only processes with bots need.
    """
    from trading.brokers.guarded import GuardedBroker

    return GuardedBroker(broker, limits)
