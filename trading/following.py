"""Applies what a venue says to a bot's orders and positions: executions first, then reports.

Each call is one transaction. Repeats and what concerns other orders of the account change nothing,
so a bot may begin again at any earlier point.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from exchange.accounts.loading import tick_value
from market.times import from_microseconds
from trading.core.orderstates import OrderState
from trading.core.positionevents import of_fill, of_no_working_orders, parts
from trading.core.positionstates import PositionState
from trading.core.profits import Fill
from trading.journeys import Execution, count_execution, move_position, report_order
from trading.models import Bot, BotOrder, BotPosition
from venues.brokers import BrokerError, ExecutionSeen, OrderSeen, VenueState

IN_FLIGHT: Final = timedelta(seconds=15)
"""An attempt that began longer ago can no longer reach the venue: it lasts 8 s at most
(trading/sending.py), and venues refuse requests that were signed more than 5 s ago."""
LONGEST_CAUSE: Final = 200
PARTED: Final = "/"
"""Between the venue's name of an execution and the number of its part, where it was split."""


class UncountedError(BrokerError):
    """A report says that more is filled than its executions: fetch them, then apply it again."""


class Follower:
    """Follows one bot. `clock` is the wall clock."""

    def __init__(self, bot: Bot, clock: Callable[[], datetime]) -> None:
        self._bot = bot
        self._clock = clock

    def now(self) -> datetime:
        return self._clock()

    def counted(self) -> int:
        """Return the number of the newest execution that was counted."""
        return Bot.objects.values_list("executions", flat=True).get(pk=self._bot.pk)

    @transaction.atomic
    def execution(self, seen: ExecutionSeen) -> bool:
        """Count an execution; return False if it was counted before, or is none of this bot."""
        order = self._order(seen.client_id)
        is_new = order is not None and self._count(order, seen)
        Bot.objects.filter(pk=self._bot.pk, executions__lt=seen.number).update(
            executions=seen.number
        )
        return is_new

    @transaction.atomic
    def report(self, seen: OrderSeen) -> bool:
        """Apply a report of an order; return whether it added anything.

        Raise UncountedError, IllegalTransitionError, ContradictionError or StaleError.
        """
        order = self._order(seen.client_id)
        if order is None:
            return False
        if seen.report.filled > order.filled:
            raise UncountedError(
                f"order {order.client_id}: the venue has filled {seen.report.filled} lots, "
                f"executions of {order.filled} are counted"
            )
        now = self._clock()
        if seen.report.state is not VenueState.UNKNOWN:
            first = {} if order.acknowledged_at else {"acknowledged_at": now}
            BotOrder.objects.filter(pk=order.pk).update(venue_id=seen.venue_id, **first)
        added = report_order(order, seen.report, cause=_cause(seen), at=now)
        if added and added[-1].life.is_final:
            self._end_of(order, now)
        return bool(added)

    @transaction.atomic
    def lost(self, seen: OrderSeen, asked_at: datetime) -> bool:
        """End an order that the venue did not have at `asked_at`, if it can no longer arrive.

        Return whether it ended. Its row is locked: nobody notes an attempt to send it meanwhile.
        """
        mine = BotOrder.objects.working().filter(bot=self._bot, client_id=seen.client_id)
        order = mine.select_for_update(of=("self",)).first()
        if order is None or (order.sent_at and asked_at - order.sent_at <= IN_FLIGHT):
            return False
        return self.report(seen)

    def _order(self, client_id: str) -> BotOrder | None:
        found = BotOrder.objects.filter(bot=self._bot, client_id=client_id)
        return found.select_related("instrument", "position").first()

    def _count(self, order: BotOrder, seen: ExecutionSeen) -> bool:
        """Count an execution, in two parts if it reverses the position."""
        if order.fills.filter(venue_id__in=(seen.venue_id, f"{seen.venue_id}{PARTED}1")).exists():
            return False
        position = self._live(order)
        pieces = parts(position.lots, seen.side, seen.lots)
        left = seen.fee
        for number, lots in enumerate(pieces, 1):
            if number > 1:
                position = self._live(order)
            is_last = number == len(pieces)
            paid = left if is_last else seen.fee * lots // seen.lots
            left -= paid
            name = seen.venue_id if len(pieces) == 1 else f"{seen.venue_id}{PARTED}{number}"
            self._count_part(order, position, seen, Fill(seen.side, seen.ticks, lots, paid), name)
        if order.life.is_final:
            self._end_of(order, self._clock())
        return True

    def _count_part(
        self, order: BotOrder, position: BotPosition, seen: ExecutionSeen, fill: Fill, name: str
    ) -> None:
        after = position.lots + fill.side * fill.lots
        event = of_fill(PositionState(position.state), position.lots, after)
        execution = Execution(
            venue_id=name,
            fill=fill,
            is_maker=seen.is_maker,
            event=event,
            at=from_microseconds(seen.at),
        )
        value = tick_value(order.instrument)
        count_execution(order, position, execution, tick_value=value, at=self._clock())

    def _live(self, order: BotOrder) -> BotPosition:
        """Return the position that a fill of an order changes, a new one if there is none."""
        live = BotPosition.objects.live().filter(bot=self._bot, instrument=order.instrument)
        found = live.first()
        if found is not None:
            return found
        now = self._clock()
        return BotPosition.objects.create(
            bot=self._bot,
            instrument=order.instrument,
            strategy=order.strategy,
            opened_at=now,
            updated_at=now,
        )

    def _end_of(self, order: BotOrder, now: datetime) -> None:
        """Move the position on if this was the last of its working orders."""
        live = BotPosition.objects.live().filter(bot=self._bot, instrument=order.instrument)
        position = live.first()
        working = BotOrder.objects.working().filter(bot=self._bot, instrument=order.instrument)
        if position is None or working.exists():
            return
        event = of_no_working_orders(PositionState(position.state), position.lots)
        if event is not None:
            cause = f"order {order.client_id} {OrderState(order.state).name.lower()}"
            move_position(position, event, cause=cause, at=now)


def _cause(seen: OrderSeen) -> str:
    """Return why an order changed, as long as the history stores it."""
    return (seen.reason or "reported")[:LONGEST_CAUSE]
