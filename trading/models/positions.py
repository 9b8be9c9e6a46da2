"""Positions of bots, each from its first order to its last lot."""

from typing import Self

from django.db import models
from django.db.models import Q

from instruments.models import Instrument
from journal.fields import MicrosecondsField
from trading.core.positionstates import PositionFacts, PositionLife, PositionState
from trading.models.bots import Bot


class BotPositionQuerySet(models.QuerySet["BotPosition"]):
    def live(self) -> Self:
        return self.exclude(state=PositionState.CLOSED.value)


class BotPosition(models.Model):
    """A position of a bot: at most one that is not closed per instrument.

    Its money follows from its fills by average cost, as at the exchange.
    """

    bot = models.ForeignKey(Bot, on_delete=models.PROTECT, related_name="positions", db_index=False)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    state = models.SmallIntegerField(
        choices=[(each.value, each.name.lower()) for each in PositionState],
        default=PositionState.OPENING.value,
    )
    version = models.PositiveIntegerField(default=0, help_text="Number of its transitions.")
    lots = models.BigIntegerField(default=0, help_text="Negative if short.")
    cost = models.BigIntegerField(default=0, help_text="At entry; its sign is that of the lots.")
    realised = models.BigIntegerField(default=0)
    fees = models.BigIntegerField(default=0, help_text="Paid.")
    funding = models.BigIntegerField(default=0, help_text="Received.")
    strategy = models.CharField(max_length=40, blank=True, default="")
    opened_at = MicrosecondsField()
    updated_at = MicrosecondsField()
    closed_at = MicrosecondsField(null=True)

    objects = BotPositionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bot", "instrument"],
                condition=~Q(state=PositionState.CLOSED.value),
                name="botposition_one_live",
            ),
            models.CheckConstraint(
                condition=Q(lots=0, cost=0) | Q(lots__gt=0, cost__gt=0) | Q(lots__lt=0, cost__lt=0),
                name="botposition_cost_has_sign_of_lots",
            ),
            models.CheckConstraint(
                condition=Q(state=PositionState.OPENING.value)
                | Q(state=PositionState.CLOSED.value, lots=0)
                | Q(state__in=[PositionState.OPEN.value, PositionState.CLOSING.value]) & ~Q(lots=0),
                name="botposition_state_has_lots",
            ),
        ]
        indexes = [models.Index(fields=["bot", "id"], name="botposition_bot_id")]

    def __str__(self) -> str:
        return f"{self.bot} {self.instrument} {self.lots:+d}"

    @property
    def life(self) -> PositionLife:
        """Return the state machine of the row."""
        return PositionLife(
            facts=PositionFacts(lots=self.lots),
            state=PositionState(self.state),
            version=self.version,
        )


class FundingPayment(models.Model):
    """A payment of funding that was booked, once: the venue names it."""

    bot = models.ForeignKey(Bot, on_delete=models.PROTECT, related_name="+", db_index=False)
    position = models.ForeignKey(BotPosition, on_delete=models.PROTECT, related_name="payments")
    venue_id = models.CharField(max_length=100)
    paid_at = MicrosecondsField(help_text="By the clock of the venue.")
    amount = models.BigIntegerField(help_text="Positive: received.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bot", "venue_id"], name="fundingpayment_once")
        ]
        indexes = [models.Index(fields=["bot", "paid_at"], name="fundingpayment_bot_paid_at")]

    def __str__(self) -> str:
        return f"{self.position}: {self.amount}"


class FundingSeen(models.Model):
    """How much funding of an instrument a bot has booked, where its venue states only the sum."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="+", db_index=False)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    total = models.BigIntegerField(help_text="Received since the account was opened.")

    class Meta:
        verbose_name_plural = "funding seen"
        constraints = [
            models.UniqueConstraint(fields=["bot", "instrument"], name="fundingseen_once")
        ]

    def __str__(self) -> str:
        return f"{self.bot} {self.instrument} {self.total}"
