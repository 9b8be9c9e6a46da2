"""Streams and who writes them. Only the journal writes here."""

from django.db import models

from instruments.models import Instrument
from journal.fields import MicrosecondsField


class Stream(models.Model):
    """The records of one kind of one instrument: where they end, and who may append to them.

    A batch moves `last_seq` in its own transaction, and only from where it was under the epoch of
    its writer. So there is no second writer, whatever the keys and partitions of the tables.
    """

    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="streams", db_index=False
    )
    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=40)
    last_seq = models.BigIntegerField(default=0)
    epoch = models.BigIntegerField(default=0, help_text="Rises with every new writer.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instrument", "kind"], name="stream_instrument_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind}.{self.instrument} to {self.last_seq}"


class Lease(models.Model):
    """Who drives an instrument now. Its holder renews it; a silent holder loses it."""

    instrument = models.OneToOneField(Instrument, on_delete=models.PROTECT, primary_key=True)
    holder = models.CharField(max_length=200, help_text="HOST:PID:random")
    acquired_at = MicrosecondsField()
    renewed_at = MicrosecondsField()

    def __str__(self) -> str:
        return f"{self.instrument} held by {self.holder}"
