"""What holds for the whole suite: its order and the database of its tests."""

import pytest
from django.conf import settings
from django.db import connections

from web.snapshots import Snapshot

pytest_plugins = ["rig.fixtures"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what needs Chromium last: from then on Playwright's event loop runs in this thread, and
    no test can run one of its own. What is about PostgreSQL is left to the suite on it."""
    if not settings.DATABASE_URL.startswith("postgres"):
        others = [item for item in items if item.get_closest_marker("postgresql")]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep SQLite in a file, as in use: in memory, threads would lock each other's tables."""
    database = connections["default"]
    if database.vendor == "sqlite":
        folder = tmp_path_factory.mktemp("database")
        database.settings_dict["TEST"]["NAME"] = str(folder / "test.sqlite3")


@pytest.fixture(autouse=True)
def no_snapshots() -> None:
    """Forget what pages showed of the database of another test."""
    Snapshot.forget_all()
