"""Make regimes an append-only stream and store the ends of all streams in the journal.

Views and API derive `ended_at` and `last_seq` of a regime from the next regime.
"""

from importlib import import_module
from typing import Any

import django.db.models.expressions
from django.db import migrations, models

import journal.fields
from market.keys import SEQ_BITS, key_range

before = import_module("quotes.migrations.0002_read_only_views")

NUMBERED = f"""
UPDATE quotes_regime SET seq = numbered.seq,
    id = quotes_regime.instrument_id * {2**SEQ_BITS} + numbered.seq
FROM (
    SELECT id, row_number() OVER (PARTITION BY instrument_id ORDER BY first_seq) AS seq
    FROM quotes_regime
) AS numbered
WHERE quotes_regime.id = numbered.id
"""  # noqa: S608 - constants from our code
ENDED = """
UPDATE quotes_regime SET ended_at = following.next_at, last_seq = following.next_first_seq - 1
FROM (
    SELECT id, lead(started_at) OVER after AS next_at, lead(first_seq) OVER after AS next_first_seq
    FROM quotes_regime
    WINDOW after AS (PARTITION BY instrument_id ORDER BY first_seq)
) AS following
WHERE quotes_regime.id = following.id
"""
VIEW = """
CREATE VIEW regime_times AS
SELECT i.symbol, t.phi, {started_at} AS started_at, {ended_at} AS ended_at,
    t.first_seq, t.next_first_seq - 1 AS last_seq
FROM (
    SELECT *, lead(at) OVER following AS next_at, lead(first_seq) OVER following AS next_first_seq
    FROM quotes_regime
    WINDOW following AS (PARTITION BY instrument_id ORDER BY seq)
) t
JOIN instruments_instrument i ON i.id = t.instrument_id
"""


def drop_view(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("DROP VIEW regime_times", params=None)


def make_view(apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    select = VIEW.format(
        started_at=before.moment(vendor, "t.at"), ended_at=before.moment(vendor, "t.next_at")
    )
    schema_editor.execute(select, params=None)


def make_former_view(apps: Any, schema_editor: Any) -> None:
    select = before.views(schema_editor.connection.vendor)["regime_times"]
    schema_editor.execute(f"CREATE VIEW regime_times AS {select}", params=None)


def number(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(NUMBERED, params=None)


def restore_ends(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(ENDED, params=None)


def end_streams(apps: Any, schema_editor: Any) -> None:
    """Store the ends of the streams of every instrument."""
    instruments = apps.get_model("instruments", "Instrument").objects.values_list("pk", flat=True)
    streams = []
    for pk in instruments:
        for kind, model in (("quotes", "Quote"), ("regimes", "Regime")):
            after, before = key_range(pk)
            stored = apps.get_model("quotes", model).objects.filter(pk__gt=after, pk__lt=before)
            if newest := stored.aggregate(newest=models.Max("pk"))["newest"]:
                streams.append((pk, kind, newest - after))
    model = apps.get_model("journal", "Stream")
    model.objects.bulk_create(
        [model(instrument_id=pk, kind=kind, last_seq=last_seq) for pk, kind, last_seq in streams],
        update_conflicts=True,
        unique_fields=["instrument", "kind"],
        update_fields=["last_seq"],
    )


class Migration(migrations.Migration):
    dependencies = [("quotes", "0002_read_only_views"), ("journal", "0001_initial")]

    operations = [
        migrations.RunPython(drop_view, make_former_view),
        migrations.DeleteModel("Lease"),
        migrations.AddField("regime", "seq", models.BigIntegerField(null=True)),
        migrations.AlterField(
            "regime",
            "id",
            models.BigIntegerField(editable=False, primary_key=True, serialize=False),
        ),
        migrations.RunPython(number, restore_ends),
        migrations.AlterField(
            "regime",
            "seq",
            models.BigIntegerField(help_text="Number of the regime in the instrument's history."),
        ),
        migrations.RemoveIndex("regime", "regime_started_at"),
        migrations.RenameField("regime", "started_at", "at"),
        migrations.AlterField(
            "regime",
            "at",
            journal.fields.MicrosecondsField(help_text="Time of the tick first_seq."),
        ),
        migrations.AlterField(
            "regime", "first_seq", models.BigIntegerField(help_text="First tick.")
        ),
        migrations.RemoveField("regime", "ended_at"),
        migrations.RemoveField("regime", "last_seq"),
        migrations.AddIndex(
            "regime", models.Index(fields=["instrument", "at"], name="regime_instrument_at")
        ),
        migrations.AddConstraint(
            "regime",
            models.CheckConstraint(
                condition=models.Q(seq__gte=1)
                & models.Q(
                    id=django.db.models.expressions.CombinedExpression(
                        django.db.models.expressions.CombinedExpression(
                            models.F("instrument_id"), "*", models.Value(2**SEQ_BITS)
                        ),
                        "+",
                        models.F("seq"),
                    )
                ),
                name="regime_key",
            ),
        ),
        migrations.RunPython(make_view, drop_view),
        migrations.RunPython(end_streams, migrations.RunPython.noop),
    ]
