"""Runs the bots that are wanted, and settles the affairs of those whose process has died.

Any number of supervisors may run, in any processes: each bot is claimed by one of them.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from trading import operations, owning
from trading.books import Books, RecordedBooks
from trading.botdesk import BotDesk
from trading.core.configuration import ConfigurationError
from trading.databasecalls import in_thread
from trading.models import Bot
from trading.models.bots import OnDeath
from trading.opening import NoBrokerError, opened
from trading.runner import Runner
from venues.brokers import BrokerError

logger = structlog.get_logger(__name__)

Act: TypeAlias = Callable[[Bot, BotDesk], Awaitable[None]]

LOOK_S: Final = 1.0
TIDY: Final = timedelta(minutes=1)
RETRY_S: Final = 10.0
"""Before a bot that failed is started again."""
SETTLE_S: Final = 10.0
"""For so long, bots beside a market cancel their orders when it ends: the market waits for them."""


class Supervisor:
    """Runs bots by name, or with None all that are wanted."""

    def __init__(
        self,
        names: Collection[str] | None = None,
        *,
        market: Books | None = None,
        clock: Callable[[], datetime] = timezone.now,
        settle_s: float | None = None,
    ) -> None:
        """`settle_s`: for how long bots may cancel their orders at the end; None: as they need."""
        self._settle_s = settle_s
        self._names = names
        self._market = market or RecordedBooks()
        self._clock = clock
        self._runner = owning.new_runner()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._runners: dict[int, Runner] = {}
        self._stopping = threading.Event()
        self._tidied_at = datetime.min.replace(tzinfo=UTC)

    def stop(self) -> None:
        """Ask all bots to end; may be called from any thread."""
        self._stopping.set()

    async def run(self, *, until_idle: bool = False) -> None:
        """Supervise until stopped, or with `until_idle` until no bot runs any more."""
        while not self._stopping.is_set():
            try:
                await self.look()
            except (OperationalError, InterfaceError) as error:
                logger.warning("supervisor waits for the database", error=str(error).strip())
            if until_idle and not self._tasks:
                break
            await self._pause(LOOK_S)
        for runner in self._runners.values():
            runner.stop()
        await self._settle()

    async def _settle(self) -> None:
        """Wait for the bots to end; those that take too long are given up as if they had died."""
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self._settle_s)
        if late:
            logger.error("bots not settled: the next start recovers them", bots=len(late))
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self) -> None:
        """Take over from the dead, then start what is wanted and not running."""
        await self._tidy()
        for bot in await in_thread(self._dead):
            # Heartbeats of its own bots may be late, for example after an outage of the database.
            if bot.pk not in self._tasks and await in_thread(
                owning.take_over, bot, self._runner, self._clock()
            ):
                self._start(bot, self._bury)
        for bot in await in_thread(self._wanted):
            if bot.pk not in self._tasks and await in_thread(
                owning.claim, bot, self._runner, self._clock()
            ):
                self._start(bot, self._run)

    async def _tidy(self) -> None:
        """Delete the results of operations whose time is over, now and then."""
        now = self._clock()
        if now >= self._tidied_at + TIDY:
            self._tidied_at = now
            await in_thread(operations.forget_expired, now)

    def _dead(self) -> list[Bot]:
        return list(owning.dead(self._clock()).select_related("account", "venue_account"))

    def _wanted(self) -> list[Bot]:
        wanted = Bot.objects.filter(is_wanted=True, runner="")
        wanted = wanted.select_related("account", "venue_account")
        return list(wanted if self._names is None else wanted.filter(name__in=self._names))

    def _start(self, bot: Bot, act: Act) -> None:
        self._tasks[bot.pk] = asyncio.create_task(self._attempt(bot, act))

    async def _attempt(self, bot: Bot, act: Act) -> None:
        """Act for a bot, then give it back with what went wrong."""
        problem, is_final = "", False
        try:
            async with opened(bot) as broker:
                await act(bot, BotDesk(bot, broker, self._clock))
        except owning.NotYoursError as error:
            logger.warning("bot lost", bot=bot.name, error=str(error))
        except (ConfigurationError, NoBrokerError) as error:
            problem, is_final = str(error), True
        except BrokerError as error:
            problem = str(error)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            logger.exception("bot failed", bot=bot.name)
        try:
            await in_thread(self._give_back, bot, problem, is_final)
            if problem and not is_final:
                await self._pause(RETRY_S)
        except (OperationalError, InterfaceError) as error:  # its heartbeat ends by itself
            logger.warning("bot not given back", bot=bot.name, error=str(error).strip())
        finally:
            self._runners.pop(bot.pk, None)
            self._tasks.pop(bot.pk, None)

    async def _pause(self, seconds: float) -> None:
        """Wait, unless all bots are to end."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not self._stopping.is_set():
            await asyncio.sleep(LOOK_S / 10)

    def _give_back(self, bot: Bot, problem: str, is_final: bool) -> None:
        owning.leave(bot, self._runner, problem)
        if is_final:  # it would fail again at once
            owning.want(bot, is_wanted=False, actor=self._runner, at=self._clock())

    async def _run(self, bot: Bot, desk: BotDesk) -> None:
        runner = self._runners[bot.pk] = Runner(desk, self._market, self._runner, self._clock)
        logger.info("bot runs", bot=bot.name, runner=self._runner)
        await runner.run()
        logger.info("bot has ended", bot=bot.name)

    async def _bury(self, bot: Bot, desk: BotDesk) -> None:
        """Do with the orders of a bot whose process died what its rule says."""
        logger.warning("bot died", bot=bot.name, rule=bot.get_on_death_display())
        runner = Runner(desk, self._market, self._runner, self._clock)
        await runner.bury(OnDeath(bot.on_death))


class BotThread(threading.Thread):
    """A supervisor beside a live market, in a thread and an event loop of its own."""

    def __init__(self) -> None:
        super().__init__(name="bots", daemon=True)
        self._supervisor = Supervisor(settle_s=SETTLE_S)

    def run(self) -> None:
        asyncio.run(self._supervisor.run())

    def stop(self) -> None:
        self._supervisor.stop()
        self.join()
