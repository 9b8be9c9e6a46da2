"""Funding: what a venue pays on positions beside executions, booked in the positions of bots.

Venues state the sum of what they have paid in an instrument; what it has risen by is booked in the
live position there, or in the last one.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from instruments.models import Instrument
from trading import auditlog
from trading.models import Bot, BotPosition, FundingSeen
from venues.brokers import PositionSeen


@transaction.atomic
def book_funding(bot: Bot, seen: Iterable[PositionSeen], at: datetime) -> int:
    """Book what was paid since it was last booked; return the sum.

    What an account had received before the bot traded in an instrument is not the bot's.
    """
    stated = {each.symbol: each.funding for each in seen}
    instruments = Instrument.objects.filter(symbol__in=stated)
    Bot.objects.select_for_update().get(pk=bot.pk)  # so that nobody books the same beside us
    return sum(_book(bot, each, stated[each.symbol], at) for each in instruments)


def _book(bot: Bot, instrument: Instrument, total: int, at: datetime) -> int:
    positions = BotPosition.objects.filter(bot=bot, instrument=instrument)
    newest = positions.order_by("-pk").first()
    known, _ = FundingSeen.objects.get_or_create(
        bot=bot, instrument=instrument, defaults={"total": 0 if newest else total}
    )
    paid = total - known.total
    if not paid or newest is None:
        return 0
    FundingSeen.objects.filter(pk=known.pk).update(total=total)
    positions.filter(pk=newest.pk).update(funding=F("funding") + paid)
    Bot.objects.filter(pk=bot.pk).update(funding=F("funding") + paid)
    detail = {"symbol": instrument.symbol, "paid": str(paid), "position": newest.pk}
    auditlog.append(actor=f"bot {bot.name}", action="funding", detail=detail, at=at, bot=bot.pk)
    return paid
