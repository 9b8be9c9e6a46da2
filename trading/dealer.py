"""Decides in one instrument after the other what a bot does, and does it at its desk."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from instruments.models import Instrument
from trading.books import Books
from trading.botdesk import BotDesk
from trading.core.chasing import Chase
from trading.core.configuration import Configuration
from trading.core.orderchoice import Circumstances, Touch
from trading.core.strategies.orders import Actions, Order, actions
from trading.core.strategies.strategy import Decision, Seen
from trading.databasecalls import in_thread
from trading.models import BotOrder, BotPosition
from trading.tickets import Wish
from trading.watching import Watched
from venues.brokers import RefusedError

logger = structlog.get_logger(__name__)


class Dealer:
    """Deals for one bot while `may_send` says so. `clock` is the wall clock."""

    def __init__(
        self,
        desk: BotDesk,
        market: Books,
        may_send: Callable[[], bool],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._market = market
        self._may_send = may_send
        self._clock = clock
        self._monotonic = monotonic
        self._watched: dict[str, Watched] = {}

    async def decide(self, configuration: Configuration, instrument: Instrument) -> None:
        """Decide once in an instrument; raise BrokerError."""
        book = await in_thread(self._market.book, instrument)
        if book is None or not book.bids or not book.asks:
            return
        held, working = await in_thread(self._own, instrument)
        watched = self._watched.setdefault(instrument.symbol, Watched())
        watched.middles.append((book.bids[0].ticks + book.asks[0].ticks) / 2)
        seen = Seen(symbol=instrument.symbol, at=book.at, bids=book.bids, asks=book.asks, held=held)
        decision = configuration.strategy.decide(seen)
        touch = seen.touch
        if decision is None or touch is None:
            return
        watched.moves = Counter({each.client_id: watched.moves[each.client_id] for each in working})
        known = [watched.working(order, self._clock()) for order in working]
        circumstances = self._circumstances(watched, touch, decision)
        todo = actions(decision, held, known, circumstances, configuration.chase)
        await self._change(watched, todo, working, configuration.chase)
        await self._send(configuration, instrument, todo.send, decision)

    async def _change(
        self, watched: Watched, todo: Actions, working: list[BotOrder], chase: Chase
    ) -> None:
        """Cancel and reprice orders, all at the same time."""
        watched.has_waited = watched.has_waited or todo.crosses
        if todo.gives_up:
            watched.opens_from = self._monotonic() + chase.longest_s
        changes = [self._desk.cancel(each) for each in working if each.client_id in todo.cancel]
        for order in working:
            if (ticks := todo.reprice.get(order.client_id)) is not None and self._may_send():
                watched.moves[order.client_id] += 1
                changes.append(self._desk.amend(order, lots=order.lots, ticks=ticks))
        results = await asyncio.gather(*changes, return_exceptions=True)
        for error in results:
            if isinstance(error, RefusedError):  # it has traded or ended meanwhile, or may not move
                logger.info("change refused", bot=self._desk.bot.name, reason=str(error))
            elif isinstance(error, BaseException):
                raise error

    async def _send(
        self,
        configuration: Configuration,
        instrument: Instrument,
        orders: Sequence[Order],
        decision: Decision,
    ) -> None:
        watched, now = self._watched[instrument.symbol], self._monotonic()
        wishes = [
            Wish(
                instrument=instrument,
                order=order,
                strategy=configuration.strategy.name,
                why=decision.why,
            )
            for order in orders
            if not watched.is_barred(now, reduce_only=order.reduce_only)
        ]
        if not wishes or not self._may_send():
            return
        watched.has_waited = False
        refused = await self._desk.place_all(wishes, configuration.limits)
        for error in refused:
            logger.info("order refused", bot=self._desk.bot.name, reason=str(error))
        if refused:
            closes = any(wish.order.reduce_only for wish in wishes)
            watched.refused(now, reduce_only=closes)
        else:
            watched.refusals = 0

    def _own(self, instrument: Instrument) -> tuple[int, list[BotOrder]]:
        """Return what the bot holds in an instrument, and its working orders there."""
        live = BotPosition.objects.live().filter(bot=self._desk.bot, instrument=instrument)
        held = live.values_list("lots", flat=True).first() or 0
        working = BotOrder.objects.working().filter(bot=self._desk.bot, instrument=instrument)
        return held, list(working.select_related("instrument", "position"))

    def _circumstances(self, watched: Watched, touch: Touch, decision: Decision) -> Circumstances:
        fees = self._desk.bot.schedule
        return Circumstances(
            touch=touch,
            volatility=watched.volatility(),
            urgency=decision.urgency,
            taker_ppm=fees.taker_ppm if fees else 0,
            maker_ppm=fees.maker_ppm if fees else 0,
            has_waited=watched.has_waited,
        )
