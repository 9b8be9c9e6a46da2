"""The audit log: a chain of entries that the database only lets grow."""

from typing import Final

from django.db import models

from journal.fields import MicrosecondsField

HEAD: Final = 1
"""The only row of AuditHead."""
BEGINNING: Final = "0" * 64
"""What the first entry has in place of the hash of an earlier one."""


class AuditEntry(models.Model):
    """An operation that touched capital, or was refused.

    Triggers reject UPDATE, DELETE and TRUNCATE (migrations/0002_append_only.py). `hash` covers the
    entry and the hash before it (trading/auditlog.py).
    """

    seq = models.BigIntegerField(primary_key=True, help_text="1, 2, 3 ...")
    at = MicrosecondsField()
    actor = models.CharField(max_length=150, help_text="User, bot or process.")
    action = models.CharField(max_length=40)
    bot = models.BigIntegerField(default=0, help_text="Its id, 0 if it concerns no single bot.")
    trace_id = models.CharField(max_length=32)
    detail = models.TextField(help_text="JSON, as it was hashed.")
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["seq"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["bot", "seq"], name="auditentry_bot_seq"),
            models.Index(fields=["trace_id"], name="auditentry_trace"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.action} by {self.actor}"


class AuditHead(models.Model):
    """The newest entry. Who appends locks this row, so entries are appended one after another."""

    id = models.SmallIntegerField(primary_key=True, default=HEAD)
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=BEGINNING)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=HEAD), name="audithead_one_row")
        ]

    def __str__(self) -> str:
        return f"entry {self.seq}"
