"""Suite-wide configuration: settings, markers, test order and the test database."""

import functools
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import TransactionTestCase
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")
os.environ.setdefault("SECRET_KEY", "of-the-tests")  # tests also run in a checkout without .env
if os.environ.get("DATABASE_URL", "").startswith("postgres"):
    os.environ.setdefault("DATABASE_TIMEOUT_S", "30")  # other tests may keep the processors busy
django.setup()

from exchange.accounts.results import results  # noqa: E402  needs the settings above
from pytrade.status import idleness  # noqa: E402
from rig.databases import copy_of_migrated, migrated  # noqa: E402
from rig.emptying import empty_filled_tables  # noqa: E402
from web.sharedresults import SharedResult  # noqa: E402

pytest_plugins = ["rig.fixtures"]

EXAMPLES, LONG_EXAMPLES = 25, 1_000
"""How many examples each property is tested with, in the suite and with --long."""
END_OTHER_CONNECTIONS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}
STARTS_PROCESSES = {"subprocess.Popen", "os.posix_spawn"}
WORDS = {"processes": "mark.processes", "browser": "playwright"}
"""What each module says that has tests with a marker."""
running: list[pytest.Item] = []
"""The current test, if any."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long version of each test")


def pytest_configure(config: pytest.Config) -> None:
    hypothesis_settings.register_profile("suite", deadline=None, max_examples=EXAMPLES)
    hypothesis_settings.register_profile("long", deadline=None, max_examples=LONG_EXAMPLES)
    hypothesis_settings.load_profile("long" if config.getoption("long") else "suite")
    sys.addaudithook(check_that_processes_are_marked)
    gc.disable()  # until all tests are collected


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import modules without tests of the lane; importing all takes seconds of CPU."""
    word = WORDS.get(config.option.markexpr.partition(" ")[0])
    is_module = collection_path.name.startswith("test_")
    return True if word and is_module and word not in text_of(collection_path) else None


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests of the database and of pages; run pages last; deselect PostgreSQL tests on SQLite.

    A test whose module is marked `any_database` can be marked `both_databases` itself.

    Once Playwright has started its event loop in this thread, no test can start its own.
    """
    if not settings.DATABASE_URL.startswith("postgres"):
        others = [item for item in items if item.get_closest_marker("postgresql")]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
    for item in items:
        if needs_database(item) and not item.get_closest_marker("any_database"):
            item.add_marker("both_databases")
        if needs_browser(item):
            item.add_marker("browser")
            item.add_marker("processes")
        check_that_lanes_find(item)
    items.sort(key=needs_browser)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Make the template of the database, in another process, if any test needs one.

    Exclude all that is imported by now from garbage collection, a tenth of the suite's time.
    """
    if connection.vendor == "sqlite" and any(needs_database(item) for item in session.items):
        migrated()
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show why tests had to run again, which pytest-rerunfailures hides."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"{report.nodeid} failed at first")
        terminalreporter.write_line(report.longreprtext)


def check_that_lanes_find(item: pytest.Item) -> None:
    marker = "browser" if needs_browser(item) else "processes"
    if item.get_closest_marker(marker) and WORDS[marker] not in text_of(item.path):
        raise pytest.UsageError(f"no lane finds {item.nodeid}: say {WORDS[marker]} in its module")


def needs_database(item: pytest.Item) -> bool:
    fixtures = DATABASE_FIXTURES & set(fixtures_of(item))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


def needs_browser(item: pytest.Item) -> bool:
    return "browser" in fixtures_of(item)


def fixtures_of(item: pytest.Item) -> Sequence[str]:
    return getattr(item, "fixturenames", ())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    running[:] = [item]
    try:
        return (yield)
    finally:
        running.clear()


def check_that_processes_are_marked(event: str, arguments: tuple[Any, ...]) -> None:
    """Fail a test that starts a process without the marker, which `make check` deselects."""
    if running and event in STARTS_PROCESSES and not running[0].get_closest_marker("processes"):
        raise AssertionError(f"this test starts {arguments[0]}: mark it with pytest.mark.processes")


@pytest.fixture(scope="session", autouse=True)
def quick_settings() -> None:
    """Hash passwords once instead of a million times; find static files when they are requested.

    Otherwise WhiteNoise would list all static files for each test client.
    """
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> Iterator[None]:
    """Empty only what a test filled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_filled_tables)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    tmp_path_factory: pytest.TempPathFactory, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Give each pytest-xdist worker a database of its own; keep SQLite in a file.

    Production has a file as well, and in memory, threads would lock each other.
    """
    database = connections["default"]
    if database.vendor == "sqlite":
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"
        copy_of_migrated(file)
        database.settings_dict["TEST"]["NAME"] = str(file)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Begin with the copy of a migrated database, which takes seconds less than migrations."""
    return connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """End the connections of permanent threads before the test database is dropped."""
    yield
    results.listener.stop()
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(END_OTHER_CONNECTIONS)


@pytest.fixture(autouse=True)
def no_snapshots() -> None:
    """Forget what pages showed of the database of another test."""
    SharedResult.forget_all()
    idleness.forget()
