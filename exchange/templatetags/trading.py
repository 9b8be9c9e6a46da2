"""What the trading panels of an instrument page begin with."""

from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest

from exchange.accounts import traders
from exchange.http.practice import BALANCE
from exchange.kinds import MONEY_UNITS, TRADES
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
def practice_offer() -> str:
    """Return the balance of the practice accounts that visitors may open, "" if they may not."""
    return f"{BALANCE // MONEY_UNITS:,}" if settings.PRACTICE_ACCOUNTS else ""
