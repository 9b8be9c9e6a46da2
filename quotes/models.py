"""Recorded quotes, candles and regimes, which only the journal writes, and runs of the law."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q

from instruments.models import Instrument
from journal.fields import MicrosecondsField
from market.keys import SEQ_BITS, row_key
from market.timeframes import TIMEFRAMES


class QuoteQuerySet(models.QuerySet["Quote"]):
    def of(self, instrument: Instrument) -> Self:
        """Return all quotes of one instrument, ordered by seq: a range of the primary key."""
        return self.filter(
            pk__gt=row_key(instrument.pk, 0), pk__lt=row_key(instrument.pk + 1, 0)
        ).order_by("pk")

    def since(self, instrument: Instrument, seq: int) -> Self:
        """Return the quotes after `seq`, ordered by seq."""
        return self.of(instrument).filter(pk__gt=row_key(instrument.pk, seq))

    def between(self, instrument: Instrument, start: datetime | None, end: datetime | None) -> Self:
        """Return the quotes with start <= at < end, ordered by time."""
        quotes = self.filter(instrument=instrument)
        if start is not None:
            quotes = quotes.filter(at__gte=start)
        if end is not None:
            quotes = quotes.filter(at__lt=end)
        return quotes.order_by("at")

    def span_length(self) -> int:
        """Return the number of quotes of a span of one instrument, reading only its ends.

        seq has no holes.
        """
        first, last = self.first(), self.last()
        return 0 if first is None or last is None else last.seq - first.seq + 1

    def first_of(self, instrument: Instrument) -> "Quote | None":
        return self.of(instrument).first()

    def latest_of(self, instrument: Instrument) -> "Quote | None":
        return self.of(instrument).last()


class Quote(models.Model):
    """One tick: the price of an instrument at a point in time, numbered by `seq`."""

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
        """Return the candles with start <= opened_at < end."""
        candles = self
        if start is not None:
            candles = candles.filter(opened_at__gte=start)
        if end is not None:
            candles = candles.filter(opened_at__lt=end)
        return candles


class Candle(models.Model):
    """A closed candle, aggregated from the quotes first_seq..last_seq. Prices are in ticks."""

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
    """One run of the law for one instrument: everything that determines its ticks.

    Tick first_seq + k is at started_at + k * interval_us. A run ends where the next one begins.
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


class Regime(models.Model):
    """The true persistence phi, in force from tick first_seq until the next regime begins."""

    id = models.BigIntegerField(primary_key=True, editable=False)
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="regimes", db_index=False
    )
    seq = models.BigIntegerField(help_text="Number of the regime in the instrument's history.")
    at = MicrosecondsField(help_text="Time of the tick first_seq.")
    phi = models.FloatField()
    first_seq = models.BigIntegerField(help_text="First tick.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instrument", "first_seq"], name="regime_first_seq"),
            models.CheckConstraint(
                condition=Q(seq__gte=1) & Q(id=F("instrument_id") * 2**SEQ_BITS + F("seq")),
                name="regime_key",
            ),
        ]
        indexes = [models.Index(fields=["instrument", "at"], name="regime_instrument_at")]

    def __str__(self) -> str:
        return f"{self.instrument} phi {self.phi:+.3f} from {self.first_seq}"
