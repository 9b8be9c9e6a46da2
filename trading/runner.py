"""Runs one bot: recovery, then decisions at an interval, beside heartbeats and the venue's news.

The runner owns the bot. When it cannot prove so any more, because the database is out of reach or
somebody has taken the bot over, it sends nothing.
"""

import asyncio
import math
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError

from trading.books import Books
from trading.botdesk import BotDesk
from trading.configuring import configuration_of, tradable_by
from trading.core.configuration import ConfigurationError
from trading.core.orderstates import OrderState
from trading.databasecalls import in_thread
from trading.dealer import Dealer
from trading.journeys import StaleError
from trading.models import BotOrder, KillSwitch
from trading.models.bots import OnDeath
from trading.pulse import Pulse
from trading.recovering import recover
from venues.brokers import BrokerError

logger = structlog.get_logger(__name__)

RECOVER_S: Final = 15.0
"""Between recoveries while an order is pending."""
FUNDING_S: Final = 60.0
"""Between two questions for the funding that the venue has paid."""
RETRY_S: Final = 1.0
FIRST_PAUSE_S: Final = 0.25
"""After the first attempt under the kill switch that left something open; then doubled."""
GRACE_S: Final = 1.5
"""The process that throws the kill switch flattens the bot; its runner joins in later than that."""
LONGEST_PAUSE_S: Final = 10.0
TROUBLES: Final = (BrokerError, StaleError, OperationalError, InterfaceError)
"""Failures that a bot survives: it waits, or asks again."""
INSIST_S: Final = 30.0
"""For how long a bot that ends tries to cancel its orders although its venue fails."""


class Runner:
    """Runs a bot that `runner` has claimed. `clock` is the wall clock."""

    def __init__(
        self,
        desk: BotDesk,
        market: Books,
        runner: str,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._runner = runner
        self._clock = clock
        self._monotonic = monotonic
        self._recovered_at = -math.inf
        self._has_missed = False
        """Whether reports may have been missed since the last recovery."""
        self._contradictions = 0
        """Of the desk, at the last recovery."""
        self._not_flat = 0
        """Attempts in a row under the kill switch that left something open."""
        self._stopping = asyncio.Event()
        self._pulse = Pulse(desk.bot, desk.broker, runner, clock, monotonic)
        self._dealer = Dealer(desk, market, self._may_send, clock, monotonic)
        self._traded: Mapping[str, str] | None = None
        """What the broker was opened for."""

    def stop(self) -> None:
        """Ask the runner to end: it cancels its orders and keeps its positions."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until stopped or no longer wanted; raise NotYoursError, ConfigurationError."""
        await self._beat()
        await self._recover()
        async with self._followed() as followers:
            try:
                await self._trade(followers)
            finally:
                error = sys.exception()
                if error is None or isinstance(error, ConfigurationError):
                    await self._insist(OnDeath.CANCEL, followers)

    async def bury(self, rule: OnDeath) -> None:
        """Do with what the bot has open what its rule says; the process that ran it has died."""
        await self._beat()
        await self._recover()
        async with self._followed() as followers:
            await self._insist(rule, followers)

    async def _beat(self) -> None:
        """Prove that the runner lives; stop if the bot is not wanted any more."""
        if not await self._pulse.beat():
            self.stop()

    def _may_send(self) -> bool:
        return not (self._pulse.is_silent or self._stopping.is_set())

    @asynccontextmanager
    async def _followed(self) -> AsyncIterator[list[asyncio.Task[None]]]:
        """Follow the venue and prove that the runner lives."""
        works = (self._follow(), self._pulse.beats(self.stop), self._fund())
        followers = [asyncio.create_task(work) for work in works]
        try:
            yield followers
        finally:
            for task in followers:
                task.cancel()
            await asyncio.gather(*followers, return_exceptions=True)

    async def _trade(self, followers: list[asyncio.Task[None]]) -> None:
        while not self._stopping.is_set():
            pause_s = RETRY_S
            try:
                pause_s = await self.round()
            except TROUBLES as error:
                logger.warning("bot waits", bot=self._desk.bot.name, error=str(error).strip())
            await self._wait(pause_s, followers)
            _check(followers)

    async def _insist(self, rule: OnDeath, followers: list[asyncio.Task[None]]) -> None:
        """Cancel and close what a rule says, again after failures, for INSIST_S at most.

        Recovery settles the requests whose answers were lost. Raise BrokerError.
        """
        ends, pause_s = self._monotonic() + INSIST_S, FIRST_PAUSE_S
        while rule is not OnDeath.KEEP:
            try:
                if await self._is_settled(rule):
                    return
                await self._recover()
            except TROUBLES as error:
                logger.warning("bot not settled", bot=self._desk.bot.name, error=str(error).strip())
                if self._monotonic() > ends:
                    raise
            _check(followers)
            if self._monotonic() > ends:
                logger.error("bot has something open", bot=self._desk.bot.name)
                return
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)

    async def _is_settled(self, rule: OnDeath) -> bool:
        """Cancel, and close if the rule says so; return whether nothing is left."""
        if rule is OnDeath.CLOSE:
            return await self._desk.flatten() == (0, 0)
        await self._desk.cancel_all()
        return not await in_thread(self._desk.working)

    async def round(self) -> float:
        """Decide once in every instrument; return how long to wait for the next time."""
        configuration = await in_thread(configuration_of, self._desk.bot)
        thrown_at = await in_thread(self._thrown_at)
        if thrown_at is not None:
            grace_s = GRACE_S - (self._clock() - thrown_at).total_seconds()
            if grace_s > 0:
                return min(grace_s, GRACE_S)
            pause_s = await self._flatten(configuration.interval_s)
            await self._recover_if_due()
            return pause_s
        self._not_flat = 0
        await self._recover_if_due()
        instruments = await in_thread(tradable_by, self._desk.bot)
        if self._traded not in (None, configuration.venue_symbols):
            self.stop()  # the supervisor opens the broker again, for other instruments
            return 0.0
        self._traded = configuration.venue_symbols
        for symbol in configuration.symbols:
            await self._dealer.decide(configuration, instruments[symbol])
        return configuration.interval_s

    async def _flatten(self, interval_s: float) -> float:
        """Flatten the bot; return how long to wait: longer after each attempt that failed."""
        try:
            is_flat = await self._desk.flatten() == (0, 0)
        except (BrokerError, StaleError) as error:
            is_flat = False
            logger.warning("bot is not flat", bot=self._desk.bot.name, error=str(error))
        if is_flat:
            self._not_flat = 0
            return interval_s
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self._not_flat, 10))
        self._not_flat += 1
        return max(interval_s, pause_s)

    def _thrown_at(self) -> datetime | None:
        """Return when the kill switch was thrown, None if it is not on."""
        thrown = KillSwitch.objects.of(self._desk.bot).order_by("-thrown_at")
        return thrown.values_list("thrown_at", flat=True).first()

    def _is_any(self, state: OrderState) -> bool:
        return BotOrder.objects.filter(bot=self._desk.bot, state=state.value).exists()

    async def _recover_if_due(self) -> None:
        """Recover after trouble, while an order is pending, and to find one that is hanging."""
        age_s = self._monotonic() - self._recovered_at
        contradicts = len(self._desk.contradictions) > self._contradictions
        if (
            self._has_missed
            or contradicts
            or (age_s > RECOVER_S and await in_thread(self._is_any, OrderState.PENDING))
            or (
                age_s > settings.TRADING_HANGING_S
                and await in_thread(self._is_any, OrderState.PARTIALLY_FILLED)
            )
        ):
            await self._recover()

    async def _recover(self) -> None:
        self._recovered_at = self._monotonic()
        self._contradictions = len(self._desk.contradictions)
        had_missed, self._has_missed = self._has_missed, False
        try:
            await recover(self._desk, actor=self._runner, clock=self._clock)
        except BaseException:
            self._has_missed = had_missed or self._has_missed
            raise

    async def _follow(self) -> None:
        """Follow the venue; begin again after its failures."""
        while True:
            try:
                await self._desk.follow()
            except TROUBLES as error:
                logger.warning("bot follows again", bot=self._desk.bot.name, error=str(error))
                await asyncio.sleep(RETRY_S)
                self._has_missed = True

    async def _fund(self) -> None:
        """Book funding, beside the heartbeats: these must not wait for a slow venue."""
        while True:
            await asyncio.sleep(FUNDING_S)
            try:
                await self._desk.book_funding()
            except TROUBLES as error:
                logger.warning("funding not booked", bot=self._desk.bot.name, error=str(error))

    async def _wait(self, seconds: float, followers: list[asyncio.Task[None]]) -> None:
        """Wait, until the runner is stopped or a follower ends."""
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait(
                {stopped, *followers}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stopped.cancel()


def _check(followers: list[asyncio.Task[None]]) -> None:
    """Raise why a task ended that must not end."""
    for task in followers:
        if task.done():
            task.result()
