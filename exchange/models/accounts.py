"""Accounts of the exchange: API keys, leverage, positions and the ledger.

The desk owns the state of accounts while a market runs; the journal writes what the desk decided
(exchange/accounts/projections.py). Money is in MONEY_UNITS, quantities in lots.
"""

from decimal import Decimal
from typing import Self

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from exchange.clearing.accounts import DEFAULT_LEVERAGE
from exchange.clearing.fees import SCHEDULES, Fees
from exchange.clearing.ledger import LedgerCause
from exchange.kinds import LEDGER, MONEY_UNITS
from exchange.vault import sealed, unsealed
from instruments.models import Instrument
from journal.fields import MicrosecondsField


class Account(models.Model):
    """A trading account. Its balance is the sum of its ledger, kept here as well."""

    name = models.CharField(
        max_length=64,
        unique=True,
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9][A-Za-z0-9 ._-]*\Z",
                "Use letters, digits, spaces, '.', '_' and '-', and begin with a letter or digit.",
            )
        ],
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="accounts",
        help_text="May trade with a session or a token. API keys need no owner.",
    )
    fees = models.CharField(
        max_length=16, choices=[(name, name) for name in SCHEDULES], default="lab"
    )
    is_practice = models.BooleanField(
        default=False, editable=False, help_text="Opened by a visitor of the site."
    )
    created_at = MicrosecondsField()
    balance = models.BigIntegerField(default=0, help_text="Sum of the ledger.")
    version = models.BigIntegerField(default=0, help_text="Rises with balance and positions.")
    events = models.BigIntegerField(default=0, help_text="Number of the newest order event.")
    executions = models.BigIntegerField(default=0, help_text="Number of the newest execution.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    @property
    def schedule(self) -> Fees:
        return SCHEDULES[self.fees]

    @property
    def money(self) -> Decimal:
        """Return the balance as a decimal."""
        return Decimal(self.balance) / MONEY_UNITS


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def valid(self) -> Self:
        return self.filter(revoked_at=None)


class ApiKey(models.Model):
    """Access of a program to one account. The secret is shown once and stored encrypted."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="keys")
    key = models.CharField(max_length=32, unique=True, editable=False)
    sealed_secret = models.BinaryField(editable=False)
    label = models.CharField(max_length=64, blank=True, help_text="What uses this key.")
    can_trade = models.BooleanField(default=True, help_text="Otherwise it may only read.")
    cancel_on_disconnect = models.BooleanField(
        default=False,
        help_text="Cancel all open orders of the account when the last authenticated stream of "
        "this key disconnects.",
    )
    created_at = MicrosecondsField()
    last_used_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="To the minute."
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.key} of {self.account}"

    @property
    def secret(self) -> str:
        """Return the secret; raise SealError if the encryption key has changed."""
        return unsealed(bytes(self.sealed_secret))

    @secret.setter
    def secret(self, secret: str) -> None:
        self.sealed_secret = sealed(secret)


class Leverage(models.Model):
    """The leverage that an account has chosen for an instrument."""

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="leverages", db_index=False
    )
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    leverage = models.PositiveIntegerField(default=DEFAULT_LEVERAGE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "instrument"], name="leverage_account"),
            models.CheckConstraint(condition=Q(leverage__gte=1), name="leverage_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.instrument} {self.leverage}x"


class Position(models.Model):
    """The position of an account in an instrument, and what its executions came to.

    lots = sum of side * lots, cost = sum of side * value + realised, over all executions.
    """

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="positions", db_index=False
    )
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    lots = models.BigIntegerField(default=0, help_text="Negative if short.")
    cost = models.BigIntegerField(default=0, help_text="At entry; its sign is that of the lots.")
    realised = models.BigIntegerField(default=0, help_text="Profit of what was closed.")
    fees = models.BigIntegerField(default=0, help_text="Paid.")
    funding = models.BigIntegerField(default=0, help_text="Received.")
    updated_at = MicrosecondsField(help_text="Market time of the last execution or funding.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "instrument"], name="position_account"),
            models.CheckConstraint(
                condition=Q(lots=0, cost=0) | Q(lots__gt=0, cost__gt=0) | Q(lots__lt=0, cost__lt=0),
                name="position_cost_has_sign_of_lots",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.instrument} {self.lots:+d}"


class LedgerEntry(models.Model):
    """A change of a balance. Entries are only ever added."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="ledger",
        db_column="account",
        db_index=False,
    )
    instrument = models.ForeignKey(
        Instrument,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,  # 0: none
        db_index=False,
    )
    at = MicrosecondsField()
    cause = models.BigIntegerField(
        choices=[(cause.value, cause.name.lower()) for cause in LedgerCause]
    )
    amount = models.BigIntegerField()
    execution_seq = models.BigIntegerField(default=0, help_text="0: not of an execution.")

    class Meta:
        db_table = LEDGER.table
        indexes = [models.Index(fields=["account", "id"], name="ledger_account_id")]
        verbose_name_plural = "ledger entries"

    def __str__(self) -> str:
        return f"{self.account} {self.get_cause_display()} {self.amount}"
