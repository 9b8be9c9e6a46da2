"""Reports of recovery: what did not agree with the venue, and what was done about it."""

from django.db import models

from journal.fields import MicrosecondsField
from trading.models.bots import Bot


class Recovery(models.Model):
    """One run of recovery for one bot."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="recoveries")
    actor = models.CharField(max_length=150, help_text="User or process that asked for it.")
    began_at = MicrosecondsField()
    ended_at = MicrosecondsField()
    orders = models.PositiveIntegerField(help_text="Working orders that were compared.")
    executions = models.PositiveIntegerField(help_text="Executions that had been missed.")
    findings = models.JSONField(default=list)
    """Objects with trouble, remedy, name, text and, once the remedy has failed, error."""
    open_findings = models.PositiveIntegerField(help_text="Findings that remain.")

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "recoveries"

    def __str__(self) -> str:
        return f"{self.bot} #{self.pk}"
