import django.db.models.deletion
from django.db import migrations, models

import journal.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [("instruments", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                (
                    "instrument",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="instruments.instrument",
                    ),
                ),
                ("holder", models.CharField(help_text="HOST:PID:random", max_length=200)),
                ("acquired_at", journal.fields.MicrosecondsField()),
                ("renewed_at", journal.fields.MicrosecondsField()),
            ],
        ),
        migrations.CreateModel(
            name="Stream",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=40)),
                ("last_seq", models.BigIntegerField(default=0)),
                (
                    "epoch",
                    models.BigIntegerField(default=0, help_text="Rises with every new writer."),
                ),
                (
                    "instrument",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="streams",
                        to="instruments.instrument",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("instrument", "kind"), name="stream_instrument_kind"
                    )
                ],
            },
        ),
    ]
