"""The migrations give the models."""

from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState


def test_migrations_give_the_models() -> None:
    loader = MigrationLoader(None)
    present = ProjectState.from_apps(apps)
    changes = MigrationAutodetector(loader.project_state(), present).changes(graph=loader.graph)
    operations = [each.operations for each in changes.get("trading", [])]
    assert operations == []
