"""The history of orders and positions: one row per transition, in their transaction."""

from django.db import models
from django.db.models import Q

from journal.fields import MicrosecondsField
from trading.models.orders import BotOrder
from trading.models.positions import BotPosition


class Transition(models.Model):
    """A change of an order or a position; `version` is its number in their history: 1, 2, 3 ..."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(
        BotOrder, on_delete=models.PROTECT, null=True, related_name="transitions", db_index=False
    )
    position = models.ForeignKey(
        BotPosition,
        on_delete=models.PROTECT,
        null=True,
        related_name="transitions",
        db_index=False,
    )
    version = models.PositiveIntegerField()
    source = models.SmallIntegerField()
    event = models.SmallIntegerField()
    target = models.SmallIntegerField()
    lots = models.BigIntegerField(help_text="After it.")
    filled = models.BigIntegerField(default=0, help_text="After it; of orders.")
    ticks = models.BigIntegerField(default=0, help_text="After it; of orders.")
    cause = models.CharField(max_length=200, blank=True, help_text="Who or what caused it.")
    at = MicrosecondsField()
    trace_id = models.CharField(max_length=32)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(order__isnull=False, position=None)
                | Q(order=None, position__isnull=False),
                name="transition_of_one",
            ),
            models.UniqueConstraint(
                fields=["order", "version"],
                condition=Q(order__isnull=False),
                name="transition_order_version",
            ),
            models.UniqueConstraint(
                fields=["position", "version"],
                condition=Q(position__isnull=False),
                name="transition_position_version",
            ),
        ]

    def __str__(self) -> str:
        of = f"order {self.order_id}" if self.order_id else f"position {self.position_id}"
        return f"{of} #{self.version}: {self.source} -> {self.target}"
