"""The paper broker: orders that only we know, in the recorded market of another venue.

All there is to know is stored with the bot. Each call continues from there with what was recorded
since, in one transaction, so any process may call, and a crash loses nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Final, TypeVar

import structlog
from channels.db import database_sync_to_async
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from exchange.accounts.loading import tick_value
from exchange.clearing.fees import SCHEDULES
from exchange.depth.history import NOW
from instruments.models import Instrument
from trading import auditlog
from trading.brokers import papertape
from trading.brokers.papervenue import PaperVenue
from trading.models import Bot
from venues.brokers import (
    Balance,
    Cursor,
    ExecutionSeen,
    Instruction,
    OrderSeen,
    PaymentSeen,
    PositionSeen,
    RefusedError,
    UnknownOutcomeError,
    VenueState,
)

T = TypeVar("T")

TIMEOUT_S: Final = 10.0
"""For the market data with which a request arrives."""
POLL_S: Final = 0.2
STORED_EVERY_US: Final = 5_000_000
"""Of the market's time, while orders wait and nothing happens."""

logger = structlog.get_logger(__name__)


class PaperBroker:
    """The paper account of a bot; satisfies venues.brokers.Broker."""

    name = "paper"

    def __init__(
        self,
        bot: Bot,
        traded: Mapping[str, Instrument],
        timeout_s: float = TIMEOUT_S,
        poll_s: float = POLL_S,
    ) -> None:
        """`traded`: what the bot trades, by our symbols."""
        self._bot = bot
        self._traded = dict(traded)
        self._timeout_s = timeout_s
        self._poll_s = poll_s

    async def place(self, order: Instruction) -> OrderSeen:
        def placed(venue: PaperVenue) -> None:
            venue.place(order, _now(venue, order.symbol))

        await self._at_venue(placed, writes=True)
        return await self._arrived(order.client_id)

    async def amend(self, client_id: str, *, lots: int, ticks: int) -> OrderSeen:
        def amended(venue: PaperVenue) -> None:
            if (at := _open_at(venue, client_id)) is not None:
                venue.amend(client_id, lots, ticks, at)

        await self._at_venue(amended, writes=True)
        return await self._arrived(client_id)

    async def cancel(self, client_id: str) -> OrderSeen:
        def cancelled(venue: PaperVenue) -> None:
            if (at := _open_at(venue, client_id)) is not None:
                venue.cancel(client_id, at)

        await self._at_venue(cancelled, writes=True)
        return await self._arrived(client_id)

    async def cancel_all(self, symbol: str = "") -> None:
        open_orders = await self._at_venue(lambda venue: venue.open_orders(symbol))
        await asyncio.gather(*(self.cancel(seen.client_id) for seen in open_orders))

    async def order(self, client_id: str) -> OrderSeen:
        return await self._at_venue(lambda venue: venue.order(client_id))

    async def open_orders(self) -> list[OrderSeen]:
        return await self._at_venue(lambda venue: venue.open_orders())

    async def executions(self, since: int) -> list[ExecutionSeen]:
        found = await self._at_venue(lambda venue: venue.executions)
        return [each for each in found if each.number > since]

    async def positions(self) -> list[PositionSeen]:
        return await self._at_venue(lambda venue: venue.positions())

    async def payments(self, since: int) -> list[PaymentSeen]:
        return []

    async def balance(self) -> Balance:
        return await self._at_venue(lambda venue: venue.balance())

    async def changes(self, since: Cursor) -> AsyncGenerator[OrderSeen | ExecutionSeen, None]:
        """Follow the account; executions come before the orders that include them."""
        executions, orders = since.executions, since.orders
        while True:
            fills, changed = await self._since(orders)
            for fill in fills:
                if fill.number > executions:
                    executions = fill.number
                    yield fill
            for seen in changed:
                orders = seen.report.number
                yield seen
            await asyncio.sleep(self._poll_s)

    async def _since(self, number: int) -> tuple[list[ExecutionSeen], list[OrderSeen]]:
        """Return the executions, and the orders that changed after the event of a number."""
        return await self._at_venue(lambda venue: (venue.executions, venue.changed_since(number)))

    async def _arrived(self, client_id: str) -> OrderSeen:
        """Return an order once no request for it is on its way; raise UnknownOutcomeError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                while True:
                    is_waiting, seen = await self._at_venue(
                        lambda venue: (venue.is_waiting(client_id), venue.order(client_id))
                    )
                    if not is_waiting:
                        return seen
                    await asyncio.sleep(self._poll_s)
        except TimeoutError:
            raise UnknownOutcomeError(
                f"no market data have come for {self._timeout_s:g} s after the request for "
                f"{client_id}"
            ) from None

    async def _at_venue(self, act: Callable[[PaperVenue], T], *, writes: bool = False) -> T:
        """Continue the venue up to now and act there; `writes`: it asks for something."""
        run = database_sync_to_async(
            self._stored if writes else self._looked_at, thread_sensitive=False
        )
        result: T = await run(act)
        return result

    def _looked_at(self, act: Callable[[PaperVenue], T]) -> T:
        """Look at the venue, without a lock unless something has happened that must be stored."""
        paper, counted = self._account(Bot.objects.all())
        venue, _ = self._continued(paper)
        result = act(venue)
        before = paper.get("state")
        if before is None or not _is_worth_storing(before, venue.as_json(counted)):
            return result
        return self._stored(act)

    @transaction.atomic
    def _stored(self, act: Callable[[PaperVenue], T]) -> T:
        """Act at the venue, and store what became of it."""
        paper, counted = self._account(Bot.objects.select_for_update(of=("self",)))
        venue, gaps = self._continued(paper)
        result = act(venue)
        after = {**paper, "state": venue.as_json(counted)}
        Bot.objects.filter(pk=self._bot.pk).update(paper=after)
        for gap in gaps:
            logger.warning("paper orders ended: market data were removed", **gap._asdict())
            auditlog.append(
                actor="paper", action="gap", detail=gap._asdict(), at=timezone.now(),
                bot=self._bot.pk,
            )  # fmt: skip
        return result

    def _account(self, bots: "QuerySet[Bot]") -> tuple[dict[str, Any], int]:
        """Return the paper account as it is stored, and the newest execution that was counted."""
        paper, counted = bots.values_list("paper", "executions").get(pk=self._bot.pk)
        if paper is None:
            raise RefusedError(f"bot {self._bot.name} has no paper account")
        return paper, counted

    def _continued(self, paper: Mapping[str, Any]) -> tuple[PaperVenue, list[papertape.Gap]]:
        """Return the venue as it was stored, fed with what was recorded since, and the gaps."""
        state = paper.get("state")
        instruments = self._instruments(state["markets"] if state else {})
        venue = PaperVenue(
            {symbol: tick_value(each) for symbol, each in instruments.items()},
            balance=paper["balance"],
            fees=SCHEDULES[paper["fees"]],
            latency_us=paper["latency_ms"] * 1_000,
        )
        shown = {
            symbol: papertape.show(venue.markets[symbol], each, _shown_at(state, symbol))
            for symbol, each in instruments.items()
        }
        if state:
            venue.restore(state)
        gaps = []
        for symbol, instrument in instruments.items():
            market = venue.markets[symbol]
            if market.is_idle:
                market.at = max(market.at, shown[symbol])
                market.mark = market.book.middle() or market.mark
            elif (gap := papertape.feed(venue, instrument)) is not None:
                gaps.append(gap)
        return venue, gaps

    def _instruments(self, stored: Mapping[str, Any]) -> Mapping[str, Instrument]:
        """Return what is traded, and what was traded before: its profits count."""
        if missing := stored.keys() - self._traded.keys():
            found = Instrument.objects.filter(symbol__in=missing)
            self._traded |= {each.symbol: each for each in found}
        return self._traded


def _shown_at(state: Mapping[str, Any] | None, symbol: str) -> int:
    """Return from when on a market must be fed: from now, where nothing of ours can trade."""
    stored = state["markets"].get(symbol) if state else None
    if stored is None or not (stored["requests"] or stored["resting"]):
        return NOW
    return int(stored["at"])


def _is_worth_storing(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether something has happened, or a market must be fed from too long ago.

    What an order waits for, times and marks follow from the records.
    """
    if (before["asked"], before["events"], before["fills"]) != (
        after["asked"], after["events"], after["fills"],
    ):  # fmt: skip
        return True
    return any(
        (market["requests"] or market["resting"])
        and market["at"] - before["markets"][symbol]["at"] > STORED_EVERY_US
        for symbol, market in after["markets"].items()
    )


def _now(venue: PaperVenue, symbol: str) -> int:
    """Return the time of a market; raise RefusedError if none was recorded."""
    market = venue.markets.get(symbol)
    if market is None or not market.at:
        raise RefusedError(f"no book of {symbol} is recorded: paper orders cannot trade there")
    return market.at


def _open_at(venue: PaperVenue, client_id: str) -> int | None:
    """Return the time of the market of an order that may still trade, otherwise None."""
    seen = venue.order(client_id)
    is_open = seen.report.state is VenueState.WORKING
    return _now(venue, seen.symbol) if is_open else None
