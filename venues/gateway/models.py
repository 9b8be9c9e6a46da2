"""Users of the gateway, what they follow, and the keys of credentials that are on their way."""

from typing import Final

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from instruments.models import Instrument

DERIBIT: Final = "deribit"
SHORTEST_S: Final = 1
LONGEST_S: Final = 86_400


class Person(models.Model):
    """Somebody who proved to own an account at the venue."""

    fingerprint = models.CharField(
        max_length=64, unique=True, help_text="HMAC of the client id, which is stored nowhere."
    )
    account = models.CharField(max_length=100, help_text="Name of the account at the venue.")
    first_login_at = models.DateTimeField(auto_now_add=True)
    last_login_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.account


class ConnectionState(models.TextChoices):
    PENDING = "pending"
    OPEN = "open"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"


class Connection(models.Model):
    """A user's way to the gateway; its address holds a token, of which only a digest is stored."""

    digest = models.CharField(max_length=64, unique=True)
    person = models.ForeignKey(
        Person, on_delete=models.CASCADE, null=True, related_name="connections"
    )
    state = models.CharField(
        max_length=12, choices=ConnectionState.choices, default=ConnectionState.PENDING
    )
    reason = models.CharField(max_length=300, blank=True, default="")
    opened_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"connection {self.pk}"


class SealingKey(models.Model):
    """The key of sealed credentials, which are in the cache; deleted on use."""

    handle = models.CharField(max_length=32, primary_key=True)
    key = models.BinaryField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"key {self.handle}"


class PriceTicker(models.Model):
    """A price index of the venue. Its prices are the quotes of an instrument."""

    name = models.CharField(
        max_length=24,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9]+_[a-z0-9]+\Z", "Use a name such as btc_usd.")],
    )
    instrument = models.OneToOneField(
        Instrument, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    error = models.CharField(
        max_length=300, blank=True, default="", help_text="Why the venue sends no price."
    )
    is_unknown = models.BooleanField(
        default=False, help_text="The venue does not know it, and is asked no more that day."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class PriceSubscription(models.Model):
    """What a person follows: at most one price in `interval_s`."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="subscriptions")
    ticker = models.ForeignKey(PriceTicker, on_delete=models.CASCADE, related_name="subscriptions")
    interval_s = models.PositiveIntegerField(
        validators=[MinValueValidator(SHORTEST_S), MaxValueValidator(LONGEST_S)]
    )

    class Meta:
        ordering = ["ticker__name"]
        constraints = [
            models.UniqueConstraint(fields=["person", "ticker"], name="subscription_person_ticker")
        ]

    def __str__(self) -> str:
        return f"{self.person} follows {self.ticker}"
