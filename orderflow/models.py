"""Closed clusters of trades, which only the journal writes; orderflow/kinds.py explains them."""

from django.db import models

from instruments.models import Instrument
from journal.fields import MicrosecondsField
from market.timeframes import TIMEFRAMES


class Cluster(models.Model):
    """A closed candle of the trades first_seq..last_seq, with what was traded at each price."""

    id = models.BigAutoField(primary_key=True)
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="clusters", db_index=False
    )
    timeframe = models.PositiveIntegerField(
        choices=[(seconds, name) for name, seconds in TIMEFRAMES.items()],
        help_text="Length in seconds.",
    )
    opened_at = MicrosecondsField()
    number = models.BigIntegerField(help_text="Of the clusters of this timeframe.")
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    mark = models.BigIntegerField(help_text="Identifies this cluster and all before it.")
    data = models.BinaryField(help_text="Rows of one tick.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "timeframe", "opened_at"],
                name="cluster_instrument_timeframe_opened_at",
            )
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.get_timeframe_display()} {self.opened_at:%Y-%m-%d %H:%M}"
