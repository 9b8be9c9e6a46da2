"""The heartbeats with which a runner proves that it lives, and owns its bot."""

import asyncio
import math
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError

from trading import journeys, owning
from trading.databasecalls import in_thread
from trading.models import Bot
from venues.brokers import Broker, BrokerError

logger = structlog.get_logger(__name__)

BEAT_S: Final = 2.0
SILENT_S: Final = 8.0
"""Without a heartbeat for so long, nothing is sent: after DEAD_AFTER the bot is taken over."""
BALANCE_S: Final = 2.0
"""A heartbeat does not wait longer for the equity: a bot lives although its venue is slow."""


class Pulse:
    """Beats for a bot that `runner` has claimed. `clock` is the wall clock."""

    def __init__(
        self,
        bot: Bot,
        broker: Broker,
        runner: str,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bot = bot
        self._broker = broker
        self._runner = runner
        self._clock = clock
        self._monotonic = monotonic
        self._beaten_at = -math.inf

    @property
    def is_silent(self) -> bool:
        """Whether the runner may not own the bot any more."""
        return self._monotonic() - self._beaten_at > SILENT_S

    async def beats(self, unwanted: Callable[[], None]) -> None:
        """Beat until cancelled; call `unwanted` when the bot is not to run any more."""
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                if not await self.beat():
                    unwanted()
            except (OperationalError, InterfaceError) as error:
                logger.warning("no heartbeat", bot=self._bot.name, error=str(error))

    async def beat(self) -> bool:
        """Prove that the runner lives; return whether the bot is wanted. Raise NotYoursError."""
        equity = await self._equity()
        began = self._monotonic()
        await in_thread(self._store, equity)
        self._beaten_at = began
        return await in_thread(self._is_wanted)

    async def _equity(self) -> int | None:
        """Return the equity, None if the venue does not say it now."""
        try:
            async with asyncio.timeout(BALANCE_S):
                return (await self._broker.balance()).equity
        except (BrokerError, TimeoutError) as error:
            logger.warning("no equity", bot=self._bot.name, error=str(error))
            return None

    def _store(self, equity: int | None) -> None:
        bot, known = self._bot, {}
        if equity is not None:
            bot.peak = max(bot.peak, equity)
            known = {"equity": equity, "peak": bot.peak}
        owning.beat(bot, self._runner, self._clock(), **known)
        journeys.forget_final()

    def _is_wanted(self) -> bool:
        return Bot.objects.filter(pk=self._bot.pk, is_wanted=True).exists()
