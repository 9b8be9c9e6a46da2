"""What the trading panels of an instrument page begin with."""

import json
from typing import Any, Final
from urllib.parse import unquote

from django import template
from django.conf import settings
from django.http import HttpRequest

from exchange.accounts import traders
from exchange.clearing.accounts import DEFAULT_LEVERAGE
from exchange.clearing.margin import LARGEST_LEVERAGE, TIERS
from exchange.http.practice import BALANCE
from exchange.kinds import MONEY_UNITS, TRADES
from instruments.models import Instrument
from journal import streams

register = template.Library()

CHOICE_COOKIE: Final = "account"
"""Written by the page: the name of the account that its user chose. It proves nothing."""


@register.simple_tag
def last_trade(instrument: Instrument) -> int:
    """Return the seq of the newest trade, 0 if there is none."""
    return streams.ends(TRADES, [instrument.symbol]).get(instrument.symbol, 0)


@register.simple_tag(takes_context=True)
def account_names(context: dict[str, Any]) -> list[str]:
    """Return the names of the accounts with which this session may trade."""
    request: HttpRequest = context["request"]
    return list(traders.accounts_of_session(request.session, request.user))


@register.simple_tag(takes_context=True)
def account_name(context: dict[str, Any]) -> str:
    """Return the account with which this session trades, "" if it has none or has to choose."""
    request: HttpRequest = context["request"]
    names = traders.accounts_of_session(request.session, request.user)
    if (chosen := unquote(request.COOKIES.get(CHOICE_COOKIE, ""))) in names:
        return chosen
    try:
        return traders.by_session(request.session, request.user).account.name
    except traders.NoAccountError:
        return ""


@register.simple_tag
def practice_offer() -> str:
    """Return the balance of the practice accounts that visitors may open, "" if they may not."""
    return f"{BALANCE // MONEY_UNITS:,}" if settings.PRACTICE_ACCOUNTS else ""


@register.simple_tag
def book_sizes() -> str:
    """Return JSON: tick size, lot size and decimals of prices of each instrument with a book."""
    return json.dumps(
        {
            each.symbol: {
                "tickSize": f"{each.lattice.tick_size.normalize():f}",
                "lotSize": f"{each.lot_size.normalize():f}",
                "precision": each.lattice.precision,
            }
            for each in Instrument.objects.filter(has_book=True)
        }
    )


@register.simple_tag
def margin_rules() -> str:
    """Return JSON: the leverage of new holdings, and the risk tiers by value in money."""
    tiers = [{"limit": tier.limit // MONEY_UNITS, "leverage": tier.leverage} for tier in TIERS]
    return json.dumps({"leverage": DEFAULT_LEVERAGE, "tiers": tiers})


@register.simple_tag
def largest_leverage() -> int:
    return LARGEST_LEVERAGE
