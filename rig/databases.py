"""Databases for a single test: empty, or copied from a migrated and seeded template."""

import atexit
import functools
import secrets
import shutil
import tempfile
from pathlib import Path

import psycopg
from django.conf import settings

from rig.processes import environment, manage

PREPARE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("seedinstruments")
"""


def new_database_url(folder: Path) -> str:
    """Return the URL of a new empty database on the engine of this test run."""
    if runs_on_postgresql():
        return create_database(settings.DATABASE_URL)
    return sqlite_url(folder)


def seeded_database_url(folder: Path) -> str:
    """Return the URL of a new migrated and seeded database on the engine of this test run."""
    if runs_on_postgresql():
        return seeded_on(settings.DATABASE_URL)
    shutil.copyfile(seeded_file(), folder / "market.sqlite3")
    return sqlite_url(folder)


def seeded_on(server_url: str) -> str:
    """Create a migrated and seeded database on a PostgreSQL server; return its URL."""
    return create_database(server_url, template=seeded_template(server_url))


def create_database(server_url: str, name: str = "", template: str = "template1") -> str:
    """Create a database on the PostgreSQL server at `server_url`; return its URL."""
    name = name or f"market_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    base, mark, options = server_url.partition("?")
    return base.rpartition("/")[0] + "/" + name + mark + options


@functools.cache
def seeded_template(server_url: str) -> str:
    """Return the name of the template for `seeded_on`, created once per server."""
    name = f"seeded_{secrets.token_hex(6)}"
    prepare(create_database(server_url, name))
    return name


@functools.cache
def seeded_file() -> Path:
    """Return the SQLite template for `seeded_database_url`, created once."""
    folder = Path(tempfile.mkdtemp(prefix="seeded"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    prepare(sqlite_url(folder))
    return folder / "market.sqlite3"


def prepare(url: str) -> None:
    """Migrate and seed the database at `url`."""
    manage("shell", "-v0", "-c", PREPARE, env=environment(url))


def runs_on_postgresql() -> bool:
    return str(settings.DATABASE_URL).startswith("postgres")


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'market.sqlite3'}"
