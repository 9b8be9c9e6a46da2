"""Configuration of bots: numbered versions, validated, audited; the highest is in force."""

from collections.abc import Mapping, Set
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from exchange.accounts.instruments import books
from exchange.kinds import BLOCKS
from instruments.models import Instrument
from trading import auditlog
from trading.core.configuration import (
    Configuration,
    ConfigurationError,
    parse,
    parse_limits,
    venue_symbol,
)
from trading.core.risk.limits import Limits
from trading.models import Bot, BotConfiguration, BotOrder, BotPosition
from trading.models.bots import EXCHANGE


@transaction.atomic
def configure(
    *, bot: Bot | None, parameters: Mapping[str, Any], author: str, at: datetime
) -> BotConfiguration:
    """Store a new version of a bot's configuration, or with None of the limits of all bots.

    Raise ConfigurationError.
    """
    if bot is None:
        parse_limits(parameters)
    else:
        parse(parameters, tradable_by(bot))
        Bot.objects.select_for_update().get(pk=bot.pk)  # so that numbers rise one by one
    detail = {"bot": bot.name if bot else None, "parameters": dict(parameters)}
    number = bot.pk if bot else 0
    auditlog.append(actor=author, action="configure", detail=detail, at=at, bot=number)
    newest = BotConfiguration.objects.newest_of(bot)
    return BotConfiguration.objects.create(
        bot=bot,
        number=1 + (newest.number if newest else 0),
        parameters=dict(parameters),
        author=author,
        created_at=at,
    )


def configuration_of(bot: Bot) -> Configuration:
    """Return the configuration in force; raise ConfigurationError if there is none."""
    newest = BotConfiguration.objects.newest_of(bot)
    if newest is None:
        raise ConfigurationError({"configuration": [f"bot {bot.name} has none yet: send one"]})
    return parse(newest.parameters, tradable_by(bot))


def tradable_by(bot: Bot) -> Mapping[str, Instrument]:
    """Return the instruments that a bot may trade, by symbol.

    At the exchange, those with a book there; elsewhere, also those whose book a feed records.
    """
    if bot.broker == EXCHANGE:
        return books()
    recorded = Q(streams__kind=BLOCKS.name, streams__last_seq__gt=0)
    found = Instrument.objects.filter(recorded | Q(has_book=True)).order_by("pk").distinct()
    return {each.symbol: each for each in found}


def traded_by(bot: Bot) -> Mapping[str, Instrument]:
    """Return what a bot trades, by the venue's names: as configured, and what is still open."""
    configuration = configuration_of(bot)
    tradable = tradable_by(bot)
    names = dict(configuration.venue_symbols)
    for symbol in _still_open(bot) - names.keys():
        names[symbol] = venue_symbol(symbol)
    return {name: tradable[symbol] for symbol, name in names.items() if symbol in tradable}


def _still_open(bot: Bot) -> Set[str]:
    """Return the instruments in which a bot has positions or orders."""
    held = BotPosition.objects.live().filter(bot=bot)
    working = BotOrder.objects.working().filter(bot=bot)
    return {
        *held.values_list("instrument__symbol", flat=True),
        *working.values_list("instrument__symbol", flat=True),
    }


def global_limits() -> Limits:
    """Return the limits of all bots together; none where none were set."""
    newest = BotConfiguration.objects.newest_of(None)
    return Limits() if newest is None else parse_limits(newest.parameters)
