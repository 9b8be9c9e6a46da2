"""What the trading panels of an instrument page begin with."""

from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest

from exchange import traders
from exchange.kinds import TRADES
from instruments.models import Instrument
from journal import streams

register = template.Library()


@register.simple_tag
def last_trade(instrument: Instrument) -> int:
    """Return the seq of the newest trade, 0 if there is none."""
    return streams.ends(TRADES, [instrument.symbol]).get(instrument.symbol, 0)


@register.simple_tag(takes_context=True)
def account_name(context: dict[str, Any]) -> str:
    """Return the name of the account with which this session trades, "" if it has none."""
    request: HttpRequest = context["request"]
    try:
        return traders.by_session(request.session, request.user).account.name
    except traders.NoAccountError:
        return ""


@register.simple_tag
def offers_practice() -> bool:
    """Return whether visitors may open practice accounts."""
    return bool(settings.PRACTICE_ACCOUNTS)
