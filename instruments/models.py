from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse

from instruments.lattice import Lattice

SMALLEST_TICK_SIZE = Decimal("0.0000000001")
SMALLEST_MONEY = Decimal("0.00000001")
"""The unit in which the exchange counts money: 1e-8 of the currency."""


class InstrumentQuerySet(models.QuerySet["Instrument"]):
    def by_symbols(self, symbols: list[str]) -> list["Instrument"]:
        """Return the instruments in the order of `symbols`; `["all"]` returns every instrument.

        Raise ValidationError for unknown symbols.
        """
        if symbols == ["all"]:
            return list(self.order_by("id"))
        found = self.in_bulk(symbols, field_name="symbol")
        if unknown := [symbol for symbol in symbols if symbol not in found]:
            known = ", ".join(self.order_by("id").values_list("symbol", flat=True)[:20])
            raise ValidationError(
                f"unknown instrument {', '.join(unknown)}; known instruments: {known}"
            )
        return [found[symbol] for symbol in dict.fromkeys(symbols)]


class Instrument(models.Model):
    """A traded instrument with its own price lattice."""

    symbol = models.CharField(
        max_length=32,
        unique=True,
        validators=[
            RegexValidator(
                r"^[A-Z0-9][A-Z0-9._-]*\Z",
                "Use capital letters, digits, '.', '_' and '-', e.g. ES or BTC-PERPETUAL.",
            )
        ],
    )
    name = models.CharField(max_length=100)
    tick_size = models.DecimalField(
        max_digits=20,
        decimal_places=10,
        validators=[MinValueValidator(SMALLEST_TICK_SIZE)],
        help_text="Smallest step of the price. Fixed once there are quotes.",
    )
    lot_size = models.DecimalField(
        max_digits=20,
        decimal_places=10,
        default=Decimal(1),
        db_default=Decimal(1),
        validators=[MinValueValidator(SMALLEST_TICK_SIZE)],
        help_text="Smallest step of a quantity. Fixed once there are trades.",
    )
    has_book = models.BooleanField(
        "has a book",
        default=False,
        db_default=False,
        help_text="Whether the simulated exchange trades it: order book, trades, accounts.",
    )
    currency = models.CharField(
        max_length=8, default="USD", help_text="Currency in which the price is quoted."
    )
    opening_ticks = models.PositiveBigIntegerField(
        default=20_000,
        validators=[MinValueValidator(1)],
        help_text="Price, in ticks, from which a simulated history starts.",
    )

    objects = InstrumentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(tick_size__gt=0), name="instrument_tick_size_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(lot_size__gt=0), name="instrument_lot_size_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.symbol

    @property
    def lattice(self) -> Lattice:
        return Lattice(Decimal(self.tick_size), Decimal(self.lot_size))

    def get_absolute_url(self) -> str:
        return reverse("instrument", args=[self.symbol])

    def clean(self) -> None:
        super().clean()
        self.check_sizes()

    def check_sizes(self) -> None:
        """Raise ValidationError for a changed size of stored records, or sizes unfit for a book."""
        self.refuse_new_size("tick_size", "quotes")
        self.refuse_new_size("lot_size", "trades")
        value = Decimal(self.tick_size) * Decimal(self.lot_size)
        if self.has_book and value % SMALLEST_MONEY:
            raise ValidationError(
                {
                    "has_book": f"A tick of {self.symbol} times a lot is {value.normalize():f} "
                    f"{self.currency}: with a book it must be a multiple of {SMALLEST_MONEY:f}."
                }
            )

    def refuse_new_size(self, field: str, records: str) -> None:
        """Raise ValidationError if a size changes after records were stored in its units."""
        if self.pk is None:
            return
        stored = Instrument.objects.filter(pk=self.pk).values_list(field, flat=True).first()
        if stored is None or stored == getattr(self, field) or not self.has_recorded(records):
            return
        name = field.replace("_", " ")
        raise ValidationError(
            {
                field: f"The {name} of {self.symbol} is fixed at {stored.normalize():f}: "
                f"{records} are stored in its units."
            }
        )

    def has_recorded(self, records: str) -> bool:
        """Return whether there are any of these records: quotes or trades."""
        return bool(getattr(self, records).exists())

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.check_sizes()
        super().save(*args, **kwargs)
