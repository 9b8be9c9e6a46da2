"""Operations that are carried out once, however often they are asked for."""

from datetime import datetime
from typing import Self

from django.db import models

from journal.fields import MicrosecondsField


class IdempotencyQuerySet(models.QuerySet["IdempotencyRecord"]):
    def expired(self, now: datetime) -> Self:
        return self.filter(expires_at__lte=now)


class IdempotencyRecord(models.Model):
    """An operation, named by a key within a scope, and its result once it is done."""

    scope = models.CharField(max_length=64, help_text="Whose operation, e.g. bot:7.")
    key = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, help_text="Of its parameters.")
    done = models.BooleanField(default=False)
    result = models.JSONField(null=True)
    claimed_until = MicrosecondsField(
        help_text="Until then, another attempt waits for the one that is running."
    )
    expires_at = MicrosecondsField(db_index=True)

    objects = IdempotencyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="idempotency_scope_key")
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"
