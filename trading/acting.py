"""What users do to bots beside their runner: kill, close, cancel, recover. Bounded in time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog
from asgiref.sync import async_to_sync
from django.db import OperationalError
from django.db.models import QuerySet
from django.utils import timezone

from trading import killing
from trading.botdesk import BotDesk
from trading.configuring import configuration_of
from trading.core.configuration import ConfigurationError
from trading.core.reports import ContradictionError
from trading.core.transitions import IllegalTransitionError
from trading.journeys import StaleError
from trading.models import Bot, BotOrder, BotPosition, Recovery
from trading.opening import opened
from trading.recovering import recover
from trading.sending import RejectedError, RiskRefusedError
from venues.brokers import BrokerError, NotSentError, RefusedError, UnknownOutcomeError

R = TypeVar("R")

logger = structlog.get_logger(__name__)

CONFLICTS: Final = (
    ConfigurationError,
    ContradictionError,
    IllegalTransitionError,
    StaleError,
    RefusedError,
    RiskRefusedError,
)
"""What orders and positions, the venue or the limits do not allow as things are now."""
LONGEST_S: Final = 20.0
AT_ONCE: Final = 32
"""Bots that are flattened at the same time; no order that waits for its answer holds a connection
to the database."""
PASSING: Final = (NotSentError, UnknownOutcomeError, RejectedError, StaleError, OperationalError)
"""Failures after which a bot may be flat all the same, or be flattened at the next attempt: its
runner may have closed the position at the same time, and then our order is rejected."""
FLATTEN_S: Final = 17.0
"""For so long, what is left is cancelled and closed again: a circuit breaker may be open for 10 s,
orders may come in between, and an attempt to send one may take up to 15 s (IN_FLIGHT)."""
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0


class TooLongError(BrokerError):
    """The venue has not answered in time; what was asked may still happen."""


@dataclass(frozen=True)
class Flattened:
    """What is left of a bot after the kill switch; `error` where its venue failed."""

    bot: Bot
    orders: int = 0
    positions: int = 0
    error: str = ""

    @property
    def is_flat(self) -> bool:
        return not (self.orders or self.positions or self.error)


def kill(
    bots: Sequence[Bot], *, bot: Bot | None, actor: str, reason: str, by_admin: bool = False
) -> list[Flattened]:
    """Throw the kill switch of a bot, or with None of all; flatten `bots`."""
    killing.throw(bot=bot, actor=actor, reason=reason, at=timezone.now(), by_admin=by_admin)
    with_accounts = _with_accounts().in_bulk([each.pk for each in bots])
    return async_to_sync(_flatten_all)(list(with_accounts.values()))


def recover_now(bot: Bot, actor: str) -> Recovery:
    """Recover a bot; raise BrokerError or NoBrokerError."""
    return _at_desk(bot, lambda desk: recover(desk, actor=actor, clock=timezone.now))


def cancel(order: BotOrder) -> None:
    """Cancel an order; raise BrokerError or one of CONFLICTS."""
    _at_desk(order.bot, lambda desk: desk.cancel(order))


def close(position: BotPosition) -> BotOrder:
    """Close a position at the market; raise BrokerError or one of CONFLICTS."""
    return _at_desk(position.bot, lambda desk: desk.close(position))


def amend(order: BotOrder, *, lots: int, ticks: int) -> None:
    """Change size and limit of an order; raise BrokerError or one of CONFLICTS.

    A change that adds risk is checked with the limits of the bot and of all bots.
    """
    limits = configuration_of(order.bot).limits
    _at_desk(order.bot, lambda desk: desk.amend(order, lots=lots, ticks=ticks, limits=limits))


def reverse(position: BotPosition) -> BotOrder:
    """Close a position and open the opposite one; raise BrokerError or one of CONFLICTS.

    What it opens is checked with the limits of the bot and of all bots.
    """
    limits = configuration_of(position.bot).limits
    return _at_desk(position.bot, lambda desk: desk.reverse(position, limits))


def _at_desk(bot: Bot, act: Callable[[BotDesk], Awaitable[R]]) -> R:
    with_account = _with_accounts().get(pk=bot.pk)
    result: R = async_to_sync(_acted)(with_account, act)
    return result


def _with_accounts() -> "QuerySet[Bot]":
    return Bot.objects.select_related("account", "venue_account")


async def _acted(bot: Bot, act: Callable[[BotDesk], Awaitable[R]]) -> R:
    try:
        async with asyncio.timeout(LONGEST_S), opened(bot) as broker:
            return await act(BotDesk(bot, broker, timezone.now))
    except TimeoutError:
        raise TooLongError(
            f"the venue of bot {bot.name} has not answered within {LONGEST_S:g} s"
        ) from None


async def _flatten_all(bots: Sequence[Bot]) -> list[Flattened]:
    turns = asyncio.Semaphore(AT_ONCE)
    return await asyncio.gather(*(_flatten(bot, turns) for bot in bots))


async def _flatten(bot: Bot, turns: asyncio.Semaphore) -> Flattened:
    try:
        async with turns:
            orders, positions = await _acted(bot, _flat)
    except Exception as error:  # whatever fails for one bot, the others are flattened
        logger.warning("bot not flattened", bot=bot.name, exc_info=True)
        return Flattened(bot, error=str(error).strip() or type(error).__name__)
    return Flattened(bot, orders, positions)


async def _flat(desk: BotDesk) -> tuple[int, int]:
    ends, pause_s = time.monotonic() + FLATTEN_S, FIRST_PAUSE_S
    while True:
        is_late = time.monotonic() >= ends
        try:
            left = await desk.flatten()
            if left == (0, 0) or is_late:
                return left
        except PASSING:
            if is_late:
                raise
        await asyncio.sleep(pause_s)
        pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
