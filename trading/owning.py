"""Who runs a bot: one runner at a time, which proves by heartbeats that it lives.

Every change is one conditional UPDATE, so of several runners that want a bot, one gets it.
"""

import os
import secrets
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet

from trading import auditlog
from trading.models import Bot

DEAD_AFTER: Final = timedelta(seconds=15)
"""A runner without a heartbeat for so long is dead. It stops by itself before that."""


class NotYoursError(RuntimeError):
    """Another runner owns the bot now: stop at once, and touch nothing of it."""


def new_runner() -> str:
    """Return a name that no other runner has."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"


def claim(bot: Bot, runner: str, now: datetime) -> bool:
    """Become the runner of a bot that nobody runs; return False if somebody does."""
    free = Bot.objects.filter(pk=bot.pk, runner="")
    return bool(free.update(runner=runner, heartbeat_at=now, problem=""))


def beat(bot: Bot, runner: str, now: datetime, **known: int) -> None:
    """Prove that the runner lives, and note what it knows; raise NotYoursError."""
    alive = Bot.objects.filter(pk=bot.pk, runner=runner)
    if not alive.update(heartbeat_at=now, **known):
        raise NotYoursError(f"bot {bot.name} is not run by {runner} any more")


def leave(bot: Bot, runner: str, problem: str = "") -> bool:
    """Give a bot back; return False if somebody else has taken it over."""
    mine = Bot.objects.filter(pk=bot.pk, runner=runner)
    return bool(mine.update(runner="", problem=problem[:300]))


def dead(now: datetime) -> QuerySet[Bot]:
    """Return the bots whose runner has died."""
    return Bot.objects.exclude(runner="").filter(heartbeat_at__lte=now - DEAD_AFTER)


def take_over(bot: Bot, runner: str, now: datetime) -> bool:
    """Take a bot over from the dead runner that `bot` names, and log it; False: somebody has."""
    with transaction.atomic():
        corpse = dead(now).filter(pk=bot.pk, runner=bot.runner)
        if not corpse.update(runner=runner, heartbeat_at=now):
            return False
        detail = {"bot": bot.name, "runner": bot.runner, "rule": bot.get_on_death_display()}
        auditlog.append(actor=runner, action="dead", detail=detail, at=now, bot=bot.pk)
        return True


def want(bot: Bot, *, is_wanted: bool, actor: str, at: datetime) -> None:
    """Ask for a bot to be started or stopped; supervisors and runners obey within seconds."""
    with transaction.atomic():
        if Bot.objects.filter(Q(is_wanted=not is_wanted), pk=bot.pk).update(is_wanted=is_wanted):
            detail: Mapping[str, Any] = {"bot": bot.name}
            action = "start" if is_wanted else "stop"
            auditlog.append(actor=actor, action=action, detail=detail, at=at, bot=bot.pk)
