"""Orders and commands of accounts. Doors insert them; the journal writes what becomes of them."""

from typing import Self

from django.db import models
from django.db.models import F, Q

from exchange.clearing.checks import LARGEST_LOTS
from exchange.clearing.commands import CommandKind
from exchange.clearing.orders import OrderType, State, TriggerBy, TriggerDirection
from exchange.engine.messages import BUY, SELL, TimeInForce
from exchange.models.accounts import Account
from instruments.models import Instrument
from journal.fields import MicrosecondsField

OPEN_STATES = [state.value for state in State if not state.is_final]


class OrderQuerySet(models.QuerySet["Order"]):
    def open(self) -> Self:
        return self.filter(state__in=OPEN_STATES)


class Order(models.Model):
    """An order of an account. Orders of the exchange itself (liquidations) have negative ids."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    client_id = models.CharField(max_length=64, blank=True, default="")
    label = models.CharField(
        max_length=64, blank=True, db_default="", help_text="Several orders may share it."
    )
    side = models.SmallIntegerField(choices=[(BUY, "buy"), (SELL, "sell")])
    type = models.SmallIntegerField(choices=[(each.value, each.name.lower()) for each in OrderType])
    tif = models.SmallIntegerField(
        choices=[(each.value, each.name.lower()) for each in TimeInForce],
        default=TimeInForce.GTC.value,
        verbose_name="time in force",
    )
    ticks = models.BigIntegerField(default=0, help_text="Limit; 0 if it has none.")
    lots = models.BigIntegerField(help_text="0 while an order that closes a position waits.")
    trigger_ticks = models.BigIntegerField(default=0, help_text="0: not conditional.")
    trigger_by = models.SmallIntegerField(
        choices=[(each.value, each.name.lower()) for each in TriggerBy],
        default=TriggerBy.LAST.value,
    )
    trigger_direction = models.SmallIntegerField(
        choices=[(each.value, each.name.lower()) for each in TriggerDirection],
        default=TriggerDirection.RISING.value,
    )
    reduce_only = models.BooleanField(default=False)
    close = models.BooleanField(default=False, help_text="Closes the whole position.")
    state = models.SmallIntegerField(
        choices=[(each.value, each.name.lower()) for each in State], default=State.PENDING.value
    )
    cause = models.SmallIntegerField(null=True, help_text="Of the last change.")
    filled = models.BigIntegerField(default=0, help_text="Lots.")
    value = models.BigIntegerField(default=0, help_text="Sum of ticks * lots of its executions.")
    created_at = MicrosecondsField(help_text="When it was received.")
    updated_at = MicrosecondsField(help_text="Market time of the last change.")

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "client_id"],
                condition=~Q(client_id=""),
                name="order_account_client_id",
            ),
            models.CheckConstraint(
                condition=Q(ticks__gte=0, trigger_ticks__gte=0, filled__gte=0, value__gte=0)
                & Q(lots__gte=F("filled"), lots__lte=LARGEST_LOTS, side__in=[BUY, SELL]),
                name="order_sums",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "id"], name="order_account_id"),
            models.Index(
                fields=["account", "instrument"],
                condition=Q(state__in=OPEN_STATES),
                name="order_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.get_side_display()} {self.lots} {self.instrument}"


class CommandQuerySet(models.QuerySet["Command"]):
    def waiting(self) -> Self:
        """Return what the desk has not executed, in the order of arrival."""
        return self.filter(done=False).order_by("id")


class Command(models.Model):
    """What an account asked the exchange to do. The desk executes each command exactly once.

    `parameters` are those of exchange.clearing.commands.Command that are not columns here; the
    parameters of a PLACE command are its order.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="commands", db_index=False
    )
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, related_name="commands")
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    kind = models.SmallIntegerField(
        choices=[(each.value, each.name.lower()) for each in CommandKind]
    )
    client_id = models.CharField(max_length=64, blank=True, default="")
    signature = models.CharField(
        max_length=64, blank=True, default="", help_text="Of the request; accepted once."
    )
    digest = models.CharField(max_length=64, default="", help_text="Of the request, to know it.")
    parameters = models.JSONField(default=dict)
    received_at = MicrosecondsField()
    done = models.BooleanField(default=False)
    reason = models.SmallIntegerField(null=True, help_text="Cause of the event that answered it.")
    result = models.JSONField(
        null=True, help_text="The order as the command left it: state, filled, ticks, lots, at."
    )

    objects = CommandQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "client_id"],
                condition=~Q(client_id=""),
                name="command_account_client_id",
            ),
            models.UniqueConstraint(
                fields=["signature"], condition=~Q(signature=""), name="command_signature"
            ),
            models.CheckConstraint(
                condition=Q(done=False) | Q(reason__isnull=False), name="command_done_has_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(done=False), name="command_waiting"),
            models.Index(fields=["account", "id"], name="command_account_id"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.get_kind_display()} of {self.account}"
