import django.db.models.deletion
from django.db import migrations, models

import journal.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("exchange", "0003_command_digest"),
        ("instruments", "0003_books_of_known_instruments"),
    ]

    operations = [
        migrations.CreateModel(
            name="Cluster",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "timeframe",
                    models.PositiveIntegerField(
                        choices=[
                            (60, "1m"),
                            (300, "5m"),
                            (900, "15m"),
                            (1800, "30m"),
                            (3600, "1h"),
                            (14400, "4h"),
                            (86400, "1d"),
                            (604800, "1w"),
                        ],
                        help_text="Length in seconds.",
                    ),
                ),
                ("opened_at", journal.fields.MicrosecondsField()),
                ("number", models.BigIntegerField(help_text="Of the clusters of this timeframe.")),
                ("first_seq", models.BigIntegerField()),
                ("last_seq", models.BigIntegerField()),
                (
                    "mark",
                    models.BigIntegerField(help_text="Identifies this cluster and all before it."),
                ),
                ("data", models.BinaryField(help_text="Rows of one tick.")),
                (
                    "instrument",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clusters",
                        to="instruments.instrument",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("instrument", "timeframe", "opened_at"),
                        name="cluster_instrument_timeframe_opened_at",
                    )
                ],
            },
        ),
    ]
