"""The kill switch: from now on nothing is opened, open orders are cancelled, positions closed.

Blocking is one committed row, and the first thing that happens: whatever fails afterwards, and
whichever process is killed, no bot opens anything until the switch is released. Cancelling and
closing may be repeated until nothing is left.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from exchange.engine.messages import BUY, SELL
from trading import auditlog
from trading.models import Bot, KillSwitch
from venues.brokers import Broker, Instruction, OrderSeen, PositionSeen, Style

OF_ALL: Final = 0
LONGEST_REASON: Final = 200
"""PostgreSQL rejects a longer one; the kill switch must not fail because of that."""


def throw(*, bot: Bot | None, actor: str, reason: str, at: datetime) -> KillSwitch:
    """Block a bot, or with None all bots; throwing it again changes nothing."""
    known = KillSwitch.objects.on().filter(bot=bot)
    if (found := known.first()) is not None:
        return found
    try:
        with transaction.atomic():
            thrown = KillSwitch.objects.create(
                bot=bot, thrown_at=at, thrown_by=actor, reason=reason[:LONGEST_REASON]
            )
            _log("kill", bot, actor, reason, at)
            return thrown
    except IntegrityError:  # somebody threw it at the same time
        return known.get()


@transaction.atomic
def release(*, bot: Bot | None, actor: str, at: datetime) -> bool:
    """Let a bot, or all bots, open positions again; return False if the switch was not on."""
    on = KillSwitch.objects.on().filter(bot=bot)
    if not on.update(is_on=False, released_at=at, released_by=actor):
        return False
    _log("release", bot, actor, "", at)
    return True


async def clear(broker: Broker, closing_id: str) -> tuple[Sequence[OrderSeen], list[PositionSeen]]:
    """Cancel all orders and close all positions of an account; return what is left.

    `closing_id` begins the client ids of the closing orders: with the same one, a repeat sends
    nothing twice, so use a new one for each attempt that should send again.
    """
    await broker.cancel_all()
    for position in await broker.positions():
        if position.lots:
            await broker.place(closing(position, closing_id))
    held = [position for position in await broker.positions() if position.lots]
    return await broker.open_orders(), held


def closing(position: PositionSeen, closing_id: str) -> Instruction:
    """Return the market order that closes a position."""
    return Instruction(
        client_id=f"{closing_id}-{position.symbol}",
        symbol=position.symbol,
        side=SELL if position.lots > 0 else BUY,
        style=Style.MARKET,
        lots=abs(position.lots),
        reduce_only=True,
    )


def _log(action: str, bot: Bot | None, actor: str, reason: str, at: datetime) -> None:
    detail = {"bot": bot.name if bot else None, "reason": reason}
    number = bot.pk if bot else OF_ALL
    auditlog.append(actor=actor, action=action, detail=detail, at=at, bot=number)
