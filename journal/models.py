"""Streams and leases. Only the journal writes these tables."""

from django.db import models

from instruments.models import Instrument
from journal.fields import MicrosecondsField


class Stream(models.Model):
    """The end of the records of one kind and instrument, and the epoch of its writer.

    A batch advances `last_seq` in its own transaction, on the condition that neither `last_seq`
    nor `epoch` changed. That fences out a second writer without relying on keys or partitions.
    """

    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="streams", db_index=False
    )
    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=40)
    last_seq = models.BigIntegerField(default=0)
    epoch = models.BigIntegerField(default=0, help_text="Rises with every new writer.")
    pruned_seq = models.BigIntegerField(
        default=0, help_text="Records up to this one were removed by retention; 0: none."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instrument", "kind"], name="stream_instrument_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind}.{self.instrument} to {self.last_seq}"


class Lease(models.Model):
    """The process that drives an instrument. A holder that stops renewing loses its lease."""

    instrument = models.OneToOneField(Instrument, on_delete=models.PROTECT, primary_key=True)
    holder = models.CharField(max_length=200, help_text="HOST:PID:random")
    acquired_at = MicrosecondsField()
    renewed_at = MicrosecondsField()

    def __str__(self) -> str:
        return f"{self.instrument} held by {self.holder}"
