"""Bots, the history of their configuration, and the kill switch."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final, Self

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q

from exchange.clearing.fees import SCHEDULES, Fees
from exchange.models import Account
from journal.fields import MicrosecondsField
from venues.accounts.models import VenueAccount

EXCHANGE: Final = "exchange"
"""The simulated exchange of this installation."""
VENUE: Final = "venue"
"""An account at another venue (venues.accounts)."""
PAPER: Final = "paper"
"""Recorded market data, and orders that only we know."""


class OnDeath(IntEnum):
    """What becomes of a bot's orders when its process dies."""

    KEEP = 0
    CANCEL = 1
    CLOSE = 2
    """Cancel the orders and close the positions."""


class Bot(models.Model):
    """A strategy with an account of its own. A runner owns it while it lives: `heartbeat_at`."""

    name = models.CharField(
        max_length=64,
        unique=True,
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z",
                "Use letters, digits, '.', '_' and '-', and begin with a letter or digit.",
            )
        ],
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="bots",
    )
    broker = models.CharField(max_length=16, help_text="Where it trades: exchange, venue, paper.")
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="bots",
        help_text="Of the simulated exchange; no two bots share one.",
    )
    venue_account = models.ForeignKey(
        VenueAccount,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="bots",
        help_text="At another venue; no two bots share one.",
    )
    paper = models.JSONField(
        null=True, blank=True, editable=False, help_text="Of the paper broker: balance, fees."
    )
    on_death = models.SmallIntegerField(
        choices=[(each.value, each.name.lower()) for each in OnDeath],
        default=OnDeath.CANCEL.value,
        help_text="What becomes of its orders when its process dies.",
    )
    is_wanted = models.BooleanField(default=False, help_text="Whether it should be running.")
    runner = models.CharField(
        max_length=64, blank=True, default="", editable=False, help_text="Process that runs it."
    )
    heartbeat_at = MicrosecondsField(null=True, editable=False)
    peak = models.BigIntegerField(default=0, editable=False, help_text="Highest equity so far.")
    equity = models.BigIntegerField(default=0, editable=False, help_text="At the last heartbeat.")
    problem = models.CharField(
        max_length=300, blank=True, default="", editable=False, help_text="Why it last ended."
    )
    executions = models.BigIntegerField(
        default=0, editable=False, help_text="Number of the venue's newest execution that counts."
    )
    realised = models.BigIntegerField(default=0, editable=False, help_text="By all its positions.")
    fees = models.BigIntegerField(default=0, editable=False, help_text="Paid.")
    funding = models.BigIntegerField(default=0, editable=False, help_text="Received.")
    created_at = MicrosecondsField()

    class Meta:
        ordering = ["id"]
        constraints = [
            # Venues net the positions of an account, so two bots could not tell theirs apart.
            models.UniqueConstraint(fields=["account"], name="bot_account_once"),
            models.UniqueConstraint(fields=["venue_account"], name="bot_venue_account_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def schedule(self) -> Fees | None:
        """The fees of its account, None where we do not know them."""
        if self.account is not None:
            return self.account.schedule
        return SCHEDULES[self.paper["fees"]] if self.paper else None


class BotConfigurationQuerySet(models.QuerySet["BotConfiguration"]):
    def newest_of(self, bot: Bot | None) -> "BotConfiguration | None":
        """Return the configuration in force; of None: that of all bots."""
        return self.filter(bot=bot).order_by("-number").first()

    def newest_of_each(self, bots: "Iterable[Bot]") -> Self:
        """Return the configurations in force of some bots."""
        newer = BotConfiguration.objects.filter(bot=OuterRef("bot"), number__gt=OuterRef("number"))
        return self.filter(bot__in=bots).exclude(Exists(newer))


class BotConfiguration(models.Model):
    """One version of a bot's configuration, or of the limits of all bots. Rows are only added."""

    bot = models.ForeignKey(
        Bot,
        on_delete=models.CASCADE,
        null=True,
        related_name="configurations",
        db_index=False,
        help_text="Empty: the limits of all bots together.",
    )
    number = models.PositiveIntegerField(help_text="1, 2, 3 ...; the highest is in force.")
    parameters = models.JSONField(default=dict)
    author = models.CharField(max_length=150)
    created_at = MicrosecondsField()

    objects = BotConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ["bot", "number"]
        constraints = [
            models.UniqueConstraint(fields=["bot", "number"], name="configuration_bot_number"),
            models.UniqueConstraint(
                fields=["number"], condition=Q(bot=None), name="configuration_of_all_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bot or 'all bots'} #{self.number}"


class KillSwitchQuerySet(models.QuerySet["KillSwitch"]):
    def on(self) -> Self:
        return self.filter(is_on=True)

    def of(self, bot: Bot) -> Self:
        """Return the switches that are on for a bot, its own and that of all bots."""
        return self.on().filter(Q(bot=bot) | Q(bot=None))

    def stops(self, bot: Bot) -> bool:
        """Return whether a bot, or every bot, must not open anything."""
        return self.of(bot).exists()


class KillSwitch(models.Model):
    """One use of the kill switch of a bot, or of all."""

    bot = models.ForeignKey(
        Bot,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,
        help_text="Empty: all bots.",
    )
    thrown_at = MicrosecondsField()
    thrown_by = models.CharField(max_length=150)
    reason = models.CharField(max_length=200, blank=True)
    is_on = models.BooleanField(default=True)
    needs_admin = models.BooleanField(
        default=False, help_text="Whether only admins may release it, because one threw it."
    )
    released_at = MicrosecondsField(null=True)
    released_by = models.CharField(max_length=150, blank=True, default="")

    objects = KillSwitchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "kill switches"
        constraints = [
            models.UniqueConstraint(
                fields=["bot"], condition=Q(is_on=True), name="killswitch_bot_once"
            ),
            models.UniqueConstraint(
                fields=["is_on"], condition=Q(is_on=True, bot=None), name="killswitch_all_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bot or 'all bots'}: {'on' if self.is_on else 'released'}"
