"""Readings know their step; runs count what is done instead of storing chunks beforehand.

Readings stored so far count as step 1: their windows end at multiples of it, whatever step the run
that stored them had. Runs that are still open were planned chunk by chunk and have to be started
again.
"""

from typing import Any

import django.utils.timezone
from django.db import migrations, models
from django.db.models import Count, Q, Sum

OPEN = ("queued", "running")


def count_what_is_done(apps: Any, schema_editor: Any) -> None:
    runs = apps.get_model("indicators", "ComputationRun").objects
    readings = apps.get_model("indicators", "Reading").objects
    runs.filter(state__in=OPEN).update(
        state="failed",
        error="planned by an earlier version of PyTrade: start it again",
        finished_at=django.utils.timezone.now(),
    )
    for run in runs.annotate(
        all_chunks=Count("chunks"), done=Count("chunks", filter=Q(chunks__done_at__isnull=False))
    ):
        run.chunk_count, run.chunks_done = run.all_chunks, run.done
        if run.state == "done":
            span = readings.filter(
                instrument=run.instrument_id,
                indicator=run.indicator,
                parameters=run.parameters,
                window_end__gte=run.start,
                window_end__lt=run.end,
            )
            found = span.aggregate(
                readings=Count("id"), values=Count("value"), value_sum=Sum("value")
            )
            run.readings, run.values = found["readings"], found["values"]
            run.value_sum = found["value_sum"] or 0.0
        run.save()
    apps.get_model("indicators", "RunChunk").objects.filter(done_at=None).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("indicators", "0001_initial"),
        ("instruments", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="reading",
            name="step",
            field=models.PositiveIntegerField(
                default=1,
                help_text="Windows end at multiples of it: seqs of ticks, minutes of closes.",
            ),
        ),
        migrations.RemoveConstraint(model_name="reading", name="reading_unique"),
        migrations.AddConstraint(
            model_name="reading",
            constraint=models.UniqueConstraint(
                fields=("instrument", "indicator", "parameters", "step", "window_end"),
                name="reading_unique",
            ),
        ),
        migrations.AlterField(
            model_name="computationrun",
            name="step",
            field=models.PositiveIntegerField(
                default=1,
                help_text="Windows end at multiples of it: seqs of ticks, minutes of closes.",
            ),
        ),
        *(
            migrations.AddField(model_name="computationrun", name=name, field=field)
            for name, field in (
                ("first", models.BigIntegerField(default=0)),
                ("last", models.BigIntegerField(default=0)),
                ("chunk_windows", models.PositiveIntegerField(default=0)),
                ("chunk_count", models.PositiveIntegerField(default=0)),
                ("chunks_done", models.PositiveIntegerField(default=0)),
                (
                    "readings",
                    models.PositiveBigIntegerField(default=0, help_text="Stored so far."),
                ),
                (
                    "values",
                    models.PositiveBigIntegerField(
                        default=0, help_text="Readings that have a value."
                    ),
                ),
                ("value_sum", models.FloatField(default=0.0)),
            )
        ),
        migrations.AddIndex(
            model_name="computationrun",
            index=models.Index(fields=["created_at"], name="run_created_at"),
        ),
        migrations.AddIndex(
            model_name="computationrun",
            index=models.Index(fields=["state", "finished_at"], name="run_state_finished_at"),
        ),
        migrations.RunPython(count_what_is_done, migrations.RunPython.noop),
    ]
