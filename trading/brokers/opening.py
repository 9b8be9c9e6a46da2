"""Opens the broker that a bot is configured with."""

from typing import Protocol

from trading.brokers.guarded import GuardedBroker
from trading.brokers.inprocess import ExchangeBroker
from trading.models import Bot
from venues.brokers import Broker


class ClosableBroker(Broker, Protocol):
    """A broker that holds resources."""

    def close(self) -> None:
        """Release them."""


class NoBrokerError(ValueError):
    """A bot cannot trade where it is configured to."""


def open_broker(bot: Bot) -> ClosableBroker:
    """Return the broker of a bot; raise NoBrokerError."""
    if bot.broker != ExchangeBroker.name:
        raise NoBrokerError(f"broker {bot.broker!r} of bot {bot.name} is not known: use exchange")
    if bot.account is None:
        raise NoBrokerError(f"bot {bot.name} has no account of the exchange: give it one")
    return GuardedBroker(ExchangeBroker(bot.account))
