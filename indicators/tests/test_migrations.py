"""Readings and runs stored by the first version keep their meaning."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from pytrade.health import missing_migrations

START = datetime(2026, 1, 1, tzinfo=UTC)


def migrated(name: str | None) -> Any:
    """Migrate the app to `name`, or to its newest migration; return its models of that time."""
    executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    target = [("indicators", name)] if name else graph.leaf_nodes("indicators")
    executor.migrate(target)
    return MigrationExecutor(connection).loader.project_state(target).apps


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
def test_runs_and_readings_of_the_first_release_are_kept() -> None:
    try:
        old = migrated("0001_initial")
        instrument = old.get_model("instruments", "Instrument").objects.create(
            symbol="ES", name="ES", tick_size="0.25"
        )
        series = {"instrument": instrument, "indicator": "hurst", "parameters": "{}"}
        for minute, value in enumerate((0.25, 0.75, None)):
            old.get_model("indicators", "Reading").objects.create(
                window_end=START + timedelta(minutes=minute),
                value=value,
                reason="" if value else "flat",
                **series,
            )
        for state in ("done", "running"):
            run = old.get_model("indicators", "ComputationRun").objects.create(
                start=START, end=START + timedelta(days=1), state=state, step=5, **series
            )
            for index, done_at in enumerate((START, START if state == "done" else None)):
                run.chunks.create(index=index, first_end=START, last_end=START, done_at=done_at)
    finally:
        new = migrated(None)  # other tests need the newest tables
    assert missing_migrations() == []
    runs = new.get_model("indicators", "ComputationRun").objects
    done = runs.get(state="done")
    assert (done.chunk_count, done.chunks_done) == (2, 2)
    assert (done.readings, done.values, done.value_sum) == (3, 2, 1.0)
    failed = runs.get(state="failed")
    assert (failed.chunk_count, failed.chunks_done, failed.chunks.count()) == (2, 1, 1)
    assert failed.error == "planned by an earlier version of PyTrade: start it again"
    assert set(new.get_model("indicators", "Reading").objects.values_list("step", flat=True)) == {1}
