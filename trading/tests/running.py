"""Bots that run against a real exchange in tests: market data are given, orders are executed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

from archive.auditing import Report
from exchange.matching import BUY, SELL
from exchange.models import Account
from exchange.tests.clients import MARK
from exchange.tests.trading import Exchange, open_exchange
from instruments.models import Instrument
from rig.waiting import PATIENCE_S
from trading.auditing import audit_bots
from trading.books import Book
from trading.botdesk import BotDesk
from trading.configuring import configure
from trading.core.risk.limits import Limits
from trading.core.strategies.orders import Order as Wanted
from trading.core.strategies.strategy import Level
from trading.databasecalls import in_thread
from trading.models import Bot, BotOrder, BotPosition
from trading.supervisor import Supervisor
from trading.tests.bots import NOW
from trading.tickets import Wish
from venues.brokers import Style


class GivenBooks:
    """A market whose book a test sets."""

    def __init__(self, bid_lots: int = 90, ask_lots: int = 10) -> None:
        self.at = MARK
        """The price between bid and ask."""
        self.set(bid_lots, ask_lots)

    def set(self, bid_lots: int, ask_lots: int) -> None:
        self._lots = bid_lots, ask_lots

    def book(self, instrument: Instrument) -> Book | None:
        bid_lots, ask_lots = self._lots
        return Book(0, [Level(self.at - 1, bid_lots)], [Level(self.at + 1, ask_lots)])


@contextmanager
def running_exchange(es: Instrument) -> Iterator[Exchange]:
    """An exchange that executes commands, with 50 lots at each best price."""
    with open_exchange(es) as exchange:
        exchange.provide("ES", BUY, MARK - 1, 50)
        exchange.provide("ES", SELL, MARK + 1, 50)
        with exchange.running():
            yield exchange


def wanted_bot(account: Account, name: str = "b1", **configuration: Any) -> Bot:
    """Return a bot that should run, with the imbalance strategy unless configured otherwise."""
    bot = Bot.objects.create(
        name=name, broker="exchange", account=account, is_wanted=True, created_at=NOW
    )
    given = {
        "strategy": "imbalance",
        "symbols": ["ES"],
        "interval_s": 0.05,
        "limits": {"max_exposure": 100_000},
    }
    configure(bot=bot, parameters={**given, **configuration}, author="me", at=NOW)
    return bot


async def until(is_true: Callable[[], object], what: str) -> None:
    """Wait until a condition in the database holds."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await in_thread(is_true):
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited {PATIENCE_S:g} s for: {what}") from None


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def supervised(market: GivenBooks) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(market=market)
    task = asyncio.create_task(supervisor.run())
    yield supervisor
    supervisor.stop()
    await task


def lots() -> int:
    return sum(BotPosition.objects.live().values_list("lots", flat=True))


def violations() -> list[str]:
    report = Report("bots")
    audit_bots(report)
    return report.violations


async def resting(desk: BotDesk, es: Instrument) -> BotOrder:
    """Place a bid far below the market."""
    wanted = Wanted(BUY, Style.LIMIT, 3, MARK - 50, False)
    return await desk.place(Wish(instrument=es, order=wanted, strategy="test"), Limits())
