"""Configuration of bots: numbered versions, validated, audited; the highest is in force."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from exchange.accounts.instruments import books
from trading import auditlog
from trading.core.configuration import Configuration, ConfigurationError, parse, parse_limits
from trading.core.risk.limits import Limits
from trading.models import Bot, BotConfiguration


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
        parse(parameters, books())
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
    return parse(newest.parameters, books())


def global_limits() -> Limits:
    """Return the limits of all bots together; none where none were set."""
    newest = BotConfiguration.objects.newest_of(None)
    return Limits() if newest is None else parse_limits(newest.parameters)
