import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import journal.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("instruments", "0003_books_of_known_instruments"),
    ]

    operations = [
        migrations.CreateModel(
            name="FeedGap",
            fields=[
                ("id", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField()),
                ("at", journal.fields.MicrosecondsField()),
                ("began_at", journal.fields.MicrosecondsField()),
                ("stream", models.BigIntegerField(choices=[(1, "trades"), (2, "book")])),
                (
                    "cause",
                    models.BigIntegerField(
                        choices=[
                            (1, "not_running"),
                            (2, "disconnected"),
                            (3, "skipped"),
                            (4, "refused"),
                        ]
                    ),
                ),
                (
                    "instrument",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="instruments.instrument",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["instrument", "at"], name="feedgap_instrument_at")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("seq__gte", 1),
                            (
                                "id",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("instrument_id"), "*", models.Value(1099511627776)
                                    ),
                                    "+",
                                    models.F("seq"),
                                ),
                            ),
                        ),
                        name="feedgap_key",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VenueCandle",
            fields=[
                ("id", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField()),
                ("at", journal.fields.MicrosecondsField()),
                ("open", models.BigIntegerField()),
                ("high", models.BigIntegerField()),
                ("low", models.BigIntegerField()),
                ("close", models.BigIntegerField()),
                ("lots", models.BigIntegerField(help_text="Volume.")),
                (
                    "instrument",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="instruments.instrument",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["instrument", "at"], name="venuecandle_instrument_at")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("seq__gte", 1),
                            (
                                "id",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("instrument_id"), "*", models.Value(1099511627776)
                                    ),
                                    "+",
                                    models.F("seq"),
                                ),
                            ),
                        ),
                        name="venuecandle_key",
                    )
                ],
            },
        ),
    ]
