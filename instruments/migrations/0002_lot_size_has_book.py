from decimal import Decimal
from typing import Any

import django.core.validators
from django.db import migrations, models


def allow_views(apps: Any, schema_editor: Any) -> None:
    """Let SQLite rebuild the table although views refer to it, e.g. quote_prices."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("PRAGMA legacy_alter_table = ON", params=None)


def check_views(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("PRAGMA legacy_alter_table = OFF", params=None)


class Migration(migrations.Migration):
    dependencies = [("instruments", "0001_initial")]

    operations = [
        migrations.RunPython(allow_views, check_views),
        migrations.AddField(
            "instrument",
            "has_book",
            models.BooleanField(
                default=False,
                db_default=False,
                help_text="Whether the simulated exchange trades it: order book, trades, accounts.",
                verbose_name="has a book",
            ),
        ),
        migrations.AddField(
            "instrument",
            "lot_size",
            models.DecimalField(
                decimal_places=10,
                default=Decimal("1"),
                db_default=Decimal("1"),
                help_text="Smallest step of a quantity. Fixed once there are trades.",
                max_digits=20,
                validators=[django.core.validators.MinValueValidator(Decimal("1E-10"))],
            ),
        ),
        migrations.AddConstraint(
            "instrument",
            models.CheckConstraint(
                condition=models.Q(("lot_size__gt", 0)), name="instrument_lot_size_positive"
            ),
        ),
        migrations.RunPython(check_views, allow_views),
    ]
