"""Funding: what a venue pays on positions beside executions, booked in the positions of bots.

Most venues list their payments: each is booked once, in the position that was held at its time.
Others state only the sum in an instrument: what it has risen by is booked in the live position
there, or in the last one.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from instruments.models import Instrument
from market.times import from_microseconds, to_microseconds
from trading import auditlog
from trading.models import Bot, BotFill, BotPosition, FundingPayment, FundingSeen
from venues.brokers import PaymentSeen, PositionSeen

LATE: Final = timedelta(days=1)
"""A payment may become visible, or an execution before it be counted, so much later."""


def paid_since(bot: Bot) -> int | None:
    """Return from when on payments may not be booked, in microseconds; None before any fill."""
    booked = FundingPayment.objects.filter(bot=bot).order_by("-paid_at")
    fills = BotFill.objects.filter(position__bot=bot, venue_at__isnull=False).order_by("pk")
    newest = (
        booked.values_list("paid_at", flat=True).first()
        or fills.values_list("venue_at", flat=True).first()
    )
    return None if newest is None else to_microseconds(newest - LATE)


def unbooked(bot: Bot, paid: Iterable[PaymentSeen]) -> list[PaymentSeen]:
    """Return the payments that are not booked, oldest first."""
    by_id = {each.venue_id: each for each in paid}
    known = FundingPayment.objects.filter(bot=bot, venue_id__in=by_id)
    for venue_id in known.values_list("venue_id", flat=True):
        del by_id[venue_id]
    return sorted(by_id.values(), key=lambda each: each.at)


@transaction.atomic
def book_payments(bot: Bot, paid: Iterable[PaymentSeen], at: datetime) -> int:
    """Book each payment once, in the position that was held at its time; return the sum.

    What an account received before the bot traded in an instrument is not the bot's.
    """
    _claim(bot)
    total = 0
    for payment in unbooked(bot, paid):
        paid_at = from_microseconds(payment.at)
        position = _held(bot, payment.symbol, paid_at)
        if position is not None:
            FundingPayment.objects.create(
                bot=bot,
                position=position,
                venue_id=payment.venue_id,
                paid_at=paid_at,
                amount=payment.amount,
            )
            _book(position, payment.amount, at, {"payment": payment.venue_id})
            total += payment.amount
    return total


def _held(bot: Bot, symbol: str, at: datetime) -> BotPosition | None:
    """Return the position that a bot held at a time of the venue, or the last one before.

    Venues pay on what was held before the executions of the same time.
    """
    fills = BotFill.objects.filter(position__bot=bot, position__instrument__symbol=symbol)
    fills = fills.select_related("position__bot", "position__instrument")
    found = (
        fills.filter(venue_at__lt=at).order_by("-venue_at", "-pk").first()
        or fills.filter(venue_at=at).order_by("pk").first()
    )
    return None if found is None else found.position


@transaction.atomic
def book_sums(bot: Bot, seen: Sequence[PositionSeen], at: datetime) -> int:
    """Book what the sums of a venue have risen by since they were last booked; return the sum.

    What an account had received before the bot traded in an instrument is not the bot's.
    """
    stated = {each.symbol: each.funding for each in seen}
    instruments = Instrument.objects.filter(symbol__in=stated)
    _claim(bot)
    return sum(_book_rise(bot, each, stated[each.symbol], at) for each in instruments)


def _claim(bot: Bot) -> None:
    """Let nobody else book funding of a bot until the transaction ends.

    Positions are locked before their bot, as executions do it: otherwise both could deadlock.
    """
    live = BotPosition.objects.live().filter(bot=bot).order_by("pk")
    list(live.select_for_update().values_list("pk"))
    Bot.objects.select_for_update(no_key=True).get(pk=bot.pk)


def _book_rise(bot: Bot, instrument: Instrument, total: int, at: datetime) -> int:
    positions = BotPosition.objects.filter(bot=bot, instrument=instrument)
    newest = positions.select_related("bot", "instrument").order_by("-pk").first()
    known, _ = FundingSeen.objects.get_or_create(
        bot=bot, instrument=instrument, defaults={"total": 0 if newest else total}
    )
    paid = total - known.total
    if not paid or newest is None:
        return 0
    FundingSeen.objects.filter(pk=known.pk).update(total=total)
    _book(newest, paid, at, {})
    return paid


def _book(position: BotPosition, paid: int, at: datetime, context: dict[str, Any]) -> None:
    """Add a payment to a position and its bot, and log it."""
    bot = position.bot
    BotPosition.objects.filter(pk=position.pk).update(funding=F("funding") + paid)
    Bot.objects.filter(pk=bot.pk).update(funding=F("funding") + paid)
    symbol = position.instrument.symbol
    detail = {"symbol": symbol, "paid": str(paid), "position": position.pk, **context}
    auditlog.append(actor=f"bot {bot.name}", action="funding", detail=detail, at=at, bot=bot.pk)
