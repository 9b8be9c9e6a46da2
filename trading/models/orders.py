"""Orders of bots and their fills. A row is committed before anything is sent to a venue."""

from typing import Final, Self

from django.db import models
from django.db.models import F, Q

from exchange.engine.messages import BUY, SELL
from instruments.models import Instrument
from journal.fields import MicrosecondsField
from trading.core.orderstates import WORKING, OrderFacts, OrderLife, OrderState
from trading.models.bots import Bot
from trading.models.positions import BotPosition
from venues.brokers import Style

WORKING_STATES: Final = sorted(state.value for state in WORKING)
LONGEST_CLIENT_ID: Final = 36
"""The shortest limit among the venues (Bybit's orderLinkId)."""


class BotOrderQuerySet(models.QuerySet["BotOrder"]):
    def working(self) -> Self:
        return self.filter(state__in=WORKING_STATES)


class BotOrder(models.Model):
    """An order of a bot. `client_id` names it at the venue, once and for all."""

    bot = models.ForeignKey(Bot, on_delete=models.PROTECT, related_name="orders", db_index=False)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    position = models.ForeignKey(
        BotPosition, on_delete=models.PROTECT, null=True, related_name="orders"
    )
    client_id = models.CharField(max_length=LONGEST_CLIENT_ID, unique=True)
    venue_id = models.CharField(
        max_length=64, blank=True, default="", help_text="Empty until the venue names it."
    )
    strategy = models.CharField(max_length=40, blank=True, default="")
    side = models.SmallIntegerField(choices=[(BUY, "buy"), (SELL, "sell")])
    style = models.SmallIntegerField(choices=[(each.value, each.name.lower()) for each in Style])
    ticks = models.BigIntegerField(default=0, help_text="Limit; 0 if it has none.")
    lots = models.BigIntegerField()
    reduce_only = models.BooleanField(default=False)
    state = models.SmallIntegerField(
        choices=[(each.value, each.name.lower()) for each in OrderState],
        default=OrderState.PENDING.value,
    )
    version = models.PositiveIntegerField(default=0, help_text="Number of its transitions.")
    reported = models.BigIntegerField(
        default=0, help_text="Number of the newest report of the venue that was applied."
    )
    filled = models.BigIntegerField(default=0, help_text="Lots.")
    context = models.JSONField(default=dict, help_text="Signal, market and risk that led to it.")
    trace_id = models.CharField(max_length=32)
    created_at = MicrosecondsField()
    sent_at = MicrosecondsField(null=True, help_text="Newest attempt to send it.")
    acknowledged_at = MicrosecondsField(null=True)
    updated_at = MicrosecondsField()

    objects = BotOrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ticks__gte=0, lots__gt=0, filled__gte=0, side__in=[BUY, SELL])
                & Q(filled__lte=F("lots")),
                name="botorder_sums",
            ),
            models.CheckConstraint(
                condition=Q(state=OrderState.FILLED.value, filled=F("lots"))
                | ~Q(state=OrderState.FILLED.value) & Q(filled__lt=F("lots")),
                name="botorder_filled_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["bot", "id"], name="botorder_bot_id"),
            models.Index(
                fields=["bot", "instrument"],
                condition=Q(state__in=WORKING_STATES),
                name="botorder_working",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.get_side_display()} {self.lots} {self.instrument}"

    @property
    def life(self) -> OrderLife:
        """Return the state machine of the row."""
        return OrderLife(
            facts=OrderFacts(lots=self.lots, filled=self.filled, ticks=self.ticks),
            state=OrderState(self.state),
            version=self.version,
            reported=self.reported,
        )


class BotFill(models.Model):
    """An execution of an order, counted once: the venue names it."""

    order = models.ForeignKey(
        BotOrder, on_delete=models.PROTECT, related_name="fills", db_index=False
    )
    position = models.ForeignKey(BotPosition, on_delete=models.PROTECT, related_name="fills")
    venue_id = models.CharField(max_length=64)
    at = MicrosecondsField()
    venue_at = MicrosecondsField(null=True, help_text="By the clock of the venue.")
    ticks = models.BigIntegerField()
    lots = models.BigIntegerField()
    is_maker = models.BooleanField()
    fee = models.BigIntegerField(help_text="Positive: paid.")
    realised = models.BigIntegerField(help_text="Profit of what it closed.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "venue_id"], name="botfill_once"),
            models.CheckConstraint(condition=Q(ticks__gt=0, lots__gt=0), name="botfill_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.lots} at {self.ticks}"
