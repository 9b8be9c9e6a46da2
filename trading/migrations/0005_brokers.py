from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Sum


def sum_up(apps: Any, _: Any) -> None:
    """Fill in what bots have earned and paid so far."""
    bots = apps.get_model("trading", "Bot")
    for bot in bots.objects.annotate(
        earned=Sum("positions__realised", default=0), paid=Sum("positions__fees", default=0)
    ):
        bots.objects.filter(pk=bot.pk).update(realised=bot.earned, fees=bot.paid)


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0005_order_label"),
        ("instruments", "0003_books_of_known_instruments"),
        ("trading", "0004_roles"),
        ("venue_accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FundingSeen",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "total",
                    models.BigIntegerField(help_text="Received since the account was opened."),
                ),
            ],
            options={
                "verbose_name_plural": "funding seen",
            },
        ),
        migrations.AddField(
            model_name="bot",
            name="fees",
            field=models.BigIntegerField(default=0, editable=False, help_text="Paid."),
        ),
        migrations.AddField(
            model_name="bot",
            name="funding",
            field=models.BigIntegerField(default=0, editable=False, help_text="Received."),
        ),
        migrations.AddField(
            model_name="bot",
            name="paper",
            field=models.JSONField(
                blank=True,
                editable=False,
                help_text="Of the paper broker: balance, fees.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="bot",
            name="realised",
            field=models.BigIntegerField(
                default=0, editable=False, help_text="By all its positions."
            ),
        ),
        migrations.AddField(
            model_name="bot",
            name="venue_account",
            field=models.ForeignKey(
                blank=True,
                help_text="At another venue; no two bots share one.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="bots",
                to="venue_accounts.venueaccount",
            ),
        ),
        migrations.AddField(
            model_name="killswitch",
            name="needs_admin",
            field=models.BooleanField(
                default=False, help_text="Whether only admins may release it, because one threw it."
            ),
        ),
        migrations.AlterField(
            model_name="bot",
            name="broker",
            field=models.CharField(
                help_text="Where it trades: exchange, venue, paper.", max_length=16
            ),
        ),
        migrations.AddConstraint(
            model_name="bot",
            constraint=models.UniqueConstraint(
                fields=("venue_account",), name="bot_venue_account_once"
            ),
        ),
        migrations.AddField(
            model_name="fundingseen",
            name="bot",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="trading.bot",
            ),
        ),
        migrations.AddField(
            model_name="fundingseen",
            name="instrument",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="instruments.instrument",
            ),
        ),
        migrations.AddConstraint(
            model_name="fundingseen",
            constraint=models.UniqueConstraint(
                fields=("bot", "instrument"), name="fundingseen_once"
            ),
        ),
        migrations.RunPython(sum_up, migrations.RunPython.noop),
    ]
