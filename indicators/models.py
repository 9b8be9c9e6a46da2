"""Stored readings, and the long computations that produce them."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models

from instruments.models import Instrument
from journal.fields import MicrosecondsField


class ReadingQuerySet(models.QuerySet["Reading"]):
    def of(
        self,
        instrument: Instrument | models.OuterRef,
        indicator: str,
        parameters: str,
        step: int = 1,
    ) -> Self:
        """Return the series of one measure with one set of parameters, in the order of time."""
        return self.filter(
            instrument=instrument, indicator=indicator, parameters=parameters, step=step
        ).order_by("window_end")

    def between(self, start: datetime | None, end: datetime | None) -> Self:
        """Return the readings with start <= window_end < end."""
        readings = self
        if start is not None:
            readings = readings.filter(window_end__gte=start)
        if end is not None:
            readings = readings.filter(window_end__lt=end)
        return readings


class Reading(models.Model):
    """One measure of one window of an instrument: a value, or the reason why there is none."""

    indicator = models.CharField(max_length=40)
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="readings", db_index=False
    )
    parameters = models.CharField(max_length=200, help_text="All parameters, as canonical JSON.")
    step = models.PositiveIntegerField(
        default=1, help_text="Windows end at multiples of this: seqs of ticks, minutes of closes."
    )
    window_end = MicrosecondsField(help_text="End of the window, exclusive.")
    value = models.FloatField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    low = models.FloatField(null=True, help_text="95 % interval of the estimate.")
    high = models.FloatField(null=True)
    null_low = models.FloatField(null=True, help_text="95 % band of series without memory.")
    null_high = models.FloatField(null=True)
    truth = models.FloatField(
        null=True, help_text="Mean phi over the window, or the exact value of the measure."
    )

    objects = ReadingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "indicator", "parameters", "step", "window_end"],
                name="reading_unique",
            ),
            models.CheckConstraint(
                condition=models.Q(value__isnull=False, reason="")
                | models.Q(value__isnull=True) & ~models.Q(reason=""),
                name="reading_value_or_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.indicator} of {self.instrument} at {self.window_end:%Y-%m-%d %H:%M}"


class ComputationRun(models.Model):
    """A measure over all windows of a span, computed in chunks by any number of workers.

    Windows end at the positions `first`, `first + step` ... `last` (indicators/grids.py). Chunks
    have `chunk_windows` of them each, so that none has to be stored before it is done.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    indicator = models.CharField(max_length=40)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    start = MicrosecondsField(help_text="Earliest window end.")
    end = MicrosecondsField(help_text="Windows end before this time.")
    step = models.PositiveIntegerField(
        default=1, help_text="Windows end at multiples of this: seqs of ticks, minutes of closes."
    )
    parameters = models.CharField(max_length=200)
    first = models.BigIntegerField(default=0)
    last = models.BigIntegerField(default=0)
    chunk_windows = models.PositiveIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    chunks_done = models.PositiveIntegerField(default=0)
    readings = models.PositiveBigIntegerField(default=0, help_text="Readings stored so far.")
    values = models.PositiveBigIntegerField(default=0, help_text="Readings with a value.")
    value_sum = models.FloatField(default=0.0)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["created_at"], name="run_created_at"),
            models.Index(fields=["state", "finished_at"], name="run_state_finished_at"),
        ]

    def __str__(self) -> str:
        return f"{self.indicator} of {self.instrument}, {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state in {self.State.QUEUED, self.State.RUNNING}

    @property
    def progress(self) -> float:
        """From 0 to 1."""
        return self.chunks_done / self.chunk_count if self.chunk_count else 0.0

    @property
    def mean(self) -> float | None:
        return self.value_sum / self.values if self.values else None


class RunChunk(models.Model):
    """A finished chunk of a run: it counts once, however often its task is delivered."""

    run = models.ForeignKey(ComputationRun, on_delete=models.CASCADE, related_name="chunks")
    index = models.PositiveIntegerField()
    done_at = models.DateTimeField(auto_now_add=True)
    readings = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "index"], name="run_chunk_index"),
        ]

    def __str__(self) -> str:
        return f"chunk {self.index} of {self.run_id}"
