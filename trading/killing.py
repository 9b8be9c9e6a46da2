"""The kill switch: from now on nothing is opened, open orders are cancelled, positions closed.

Blocking is one committed row, and the first thing that happens: whatever fails afterwards, and
whichever process is killed, no bot opens anything until the switch is released. Cancelling and
closing may be repeated until nothing is left.
"""

from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from trading import auditlog
from trading.models import Bot, KillSwitch

OF_ALL: Final = 0
LONGEST_REASON: Final = 200
"""PostgreSQL rejects a longer one; the kill switch must not fail because of that."""


class AdminOnlyError(PermissionError):
    """An admin threw the switch, so only an admin may release it."""


def throw(
    *, bot: Bot | None, actor: str, reason: str, at: datetime, by_admin: bool = False
) -> KillSwitch:
    """Block a bot, or with None all bots; again, it only keeps others from releasing it."""
    while True:
        thrown = _thrown(bot, actor, reason, at, needs_admin=by_admin)
        if not by_admin or _is_kept(thrown, actor, reason, at):
            return thrown


def _thrown(
    bot: Bot | None, actor: str, reason: str, at: datetime, *, needs_admin: bool
) -> KillSwitch:
    """Return the switch that is on, thrown now if none was."""
    known = KillSwitch.objects.on().filter(bot=bot)
    while (found := known.first()) is None:
        try:
            with transaction.atomic():
                found = KillSwitch.objects.create(
                    bot=bot,
                    thrown_at=at,
                    thrown_by=actor,
                    reason=reason[:LONGEST_REASON],
                    needs_admin=needs_admin,
                )
                _log("kill", bot, actor, reason, at)
                return found
        except IntegrityError:  # somebody threw it at the same time
            continue
    return found


@transaction.atomic
def _is_kept(thrown: KillSwitch, actor: str, reason: str, at: datetime) -> bool:
    """Let only admins release a switch from now on; return False if it was released meanwhile."""
    if thrown.needs_admin:
        return True
    if not KillSwitch.objects.on().filter(pk=thrown.pk).update(needs_admin=True):
        return False
    thrown.needs_admin = True
    _log("kill", thrown.bot, actor, reason, at)
    return True


@transaction.atomic
def release(*, bot: Bot | None, actor: str, at: datetime, by_admin: bool = False) -> bool:
    """Let a bot, or all bots, open positions again; return False if the switch was not on.

    Raise AdminOnlyError if an admin threw it and nobody with that role releases it.
    """
    on = KillSwitch.objects.on().filter(bot=bot)
    mine = on if by_admin else on.filter(needs_admin=False)
    if not mine.update(is_on=False, released_at=at, released_by=actor):
        if on.exists():
            raise AdminOnlyError("an admin threw this kill switch: only an admin may release it")
        return False
    _log("release", bot, actor, "", at)
    return True


def _log(action: str, bot: Bot | None, actor: str, reason: str, at: datetime) -> None:
    detail = {"bot": bot.name if bot else None, "reason": reason}
    number = bot.pk if bot else OF_ALL
    auditlog.append(actor=actor, action=action, detail=detail, at=at, bot=number)
