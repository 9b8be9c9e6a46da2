"""What is recorded. Only the recorder writes here (journal/recorder.py)."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q

from instruments.models import Instrument
from journal.fields import MicrosecondsField
from market.timeframes import TIMEFRAMES

SEQ_BITS = 40
"""A quote's primary key is instrument_id << SEQ_BITS | seq: unique, and ordered by seq."""


def quote_id(instrument_id: int, seq: int) -> int:
    return (instrument_id << SEQ_BITS) + seq


class QuoteQuerySet(models.QuerySet["Quote"]):
    def of(self, instrument: Instrument) -> Self:
        """All quotes of one instrument, a range of the primary key, in the order of seq."""
        return self.filter(
            pk__gt=quote_id(instrument.pk, 0), pk__lt=quote_id(instrument.pk + 1, 0)
        ).order_by("pk")

    def since(self, instrument: Instrument, seq: int) -> Self:
        """Those after `seq`."""
        return self.of(instrument).filter(pk__gt=quote_id(instrument.pk, seq))

    def between(self, instrument: Instrument, start: datetime | None, end: datetime | None) -> Self:
        """Those with start <= at < end, in the order of time."""
        quotes = self.filter(instrument=instrument)
        if start is not None:
            quotes = quotes.filter(at__gte=start)
        if end is not None:
            quotes = quotes.filter(at__lt=end)
        return quotes.order_by("at")

    def first_of(self, instrument: Instrument) -> "Quote | None":
        return self.of(instrument).first()

    def latest_of(self, instrument: Instrument) -> "Quote | None":
        return self.of(instrument).last()


class Quote(models.Model):
    """One tick: the price of an instrument at a moment, number `seq` of its history."""

    id = models.BigIntegerField(primary_key=True, editable=False)
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="quotes", db_index=False
    )
    seq = models.BigIntegerField()
    at = MicrosecondsField()
    ticks = models.BigIntegerField()

    objects = QuoteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instrument", "at"], name="quote_instrument_at"),
            models.CheckConstraint(
                condition=Q(seq__gte=1, ticks__gte=1)
                & Q(id=F("instrument_id") * 2**SEQ_BITS + F("seq")),
                name="quote_valid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.seq}"


class CandleQuerySet(models.QuerySet["Candle"]):
    def of(self, instrument: Instrument, timeframe_s: int) -> Self:
        return self.filter(instrument=instrument, timeframe=timeframe_s).order_by("opened_at")

    def between(self, start: datetime | None, end: datetime | None) -> Self:
        """Those with start <= opened_at < end."""
        candles = self
        if start is not None:
            candles = candles.filter(opened_at__gte=start)
        if end is not None:
            candles = candles.filter(opened_at__lt=end)
        return candles


class Candle(models.Model):
    """A closed candle. Prices in ticks; it equals quotes first_seq..last_seq."""

    id = models.BigAutoField(primary_key=True)
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="candles", db_index=False
    )
    timeframe = models.PositiveIntegerField(
        choices=[(seconds, name) for name, seconds in TIMEFRAMES.items()],
        help_text="Length in seconds.",
    )
    opened_at = MicrosecondsField()
    open = models.BigIntegerField()
    high = models.BigIntegerField()
    low = models.BigIntegerField()
    close = models.BigIntegerField()
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    count = models.BigIntegerField()

    objects = CandleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "timeframe", "opened_at"],
                name="candle_instrument_timeframe_opened_at",
            )
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.get_timeframe_display()} {self.opened_at:%Y-%m-%d %H:%M}"


class Run(models.Model):
    """One application of the law to one instrument: all that fixes its ticks.

    Tick first_seq + k is at started_at + k * interval_us. A run ends where the next begins.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="runs")
    seed = models.BigIntegerField()
    interval_us = models.BigIntegerField(help_text="Simulated microseconds between ticks.")
    first_seq = models.BigIntegerField()
    started_at = MicrosecondsField(help_text="Time of the tick first_seq.")
    start_ticks = models.BigIntegerField(help_text="Price before the first tick, in ticks.")
    start_direction = models.SmallIntegerField(help_text="Direction before the first tick.")
    regime_mean_s = models.FloatField()
    regime_floor_s = models.FloatField()

    class Meta:
        ordering = ["instrument", "first_seq"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "first_seq"], name="run_first_seq")
        ]

    def __str__(self) -> str:
        return f"{self.instrument} from {self.first_seq}, seed {self.seed}"


class RegimeQuerySet(models.QuerySet["Regime"]):
    def overlapping(
        self, instrument: Instrument, start: datetime | None, end: datetime | None
    ) -> Self:
        """Those in force at some moment of start <= t < end, in the order of time."""
        regimes = self.filter(instrument=instrument)
        if start is not None:
            regimes = regimes.filter(Q(ended_at__gt=start) | Q(ended_at=None))
        if end is not None:
            regimes = regimes.filter(started_at__lt=end)
        return regimes.order_by("first_seq")


class Regime(models.Model):
    """The truth: phi in force from tick first_seq to last_seq (the one in force: open)."""

    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="regimes", db_index=False
    )
    phi = models.FloatField()
    started_at = MicrosecondsField()
    ended_at = MicrosecondsField(null=True, blank=True, help_text="Start of the next regime.")
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField(null=True, blank=True)

    objects = RegimeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instrument", "first_seq"], name="regime_first_seq")
        ]
        indexes = [models.Index(fields=["instrument", "started_at"], name="regime_started_at")]

    def __str__(self) -> str:
        return f"{self.instrument} phi {self.phi:+.3f} from {self.first_seq}"


class Lease(models.Model):
    """Who drives an instrument now; its holder renews it, a silent one loses it."""

    instrument = models.OneToOneField(Instrument, on_delete=models.PROTECT, primary_key=True)
    holder = models.CharField(max_length=200, help_text="HOST:PID:random")
    acquired_at = MicrosecondsField()
    renewed_at = MicrosecondsField()

    def __str__(self) -> str:
        return f"{self.instrument} held by {self.holder}"
