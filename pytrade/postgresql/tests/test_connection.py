"""A hung PostgreSQL, and statements that exceed the time limit."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from pytrade.postgresql.connection import LimitedConnection, SilentServerError, limited_to
from scripts.services import PostgreSQL

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        PostgreSQL(folder) as server,
    ):
        yield server


@pytest.fixture
def limited() -> type[LimitedConnection]:
    """Connections whose statements may take half a second."""
    return limited_to(0.5)


@pytest.fixture
def connection(server: PostgreSQL, limited: type[LimitedConnection]) -> Iterator[LimitedConnection]:
    with limited.connect(server.url, autocommit=True) as connection:
        yield connection


@contextmanager
def hung(server: PostgreSQL) -> Iterator[None]:
    server.pause()
    try:
        yield
    finally:
        server.resume()


def test_hung_server_raises_and_closes_the_connection(
    server: PostgreSQL, connection: LimitedConnection
) -> None:
    with hung(server), pytest.raises(SilentServerError, match="did not answer within 1 s"):
        connection.execute("SELECT 1")
    assert connection.closed


def test_commit_on_a_hung_server_raises(
    server: PostgreSQL, limited: type[LimitedConnection]
) -> None:
    connection = limited.connect(server.url)
    connection.execute("SELECT 1")
    with hung(server), pytest.raises(SilentServerError):
        connection.commit()


def test_connecting_to_a_hung_server_raises(
    server: PostgreSQL, limited: type[LimitedConnection]
) -> None:
    with hung(server), pytest.raises(psycopg.OperationalError, match="timeout expired"):
        limited.connect(server.url)


def test_other_connections_wait_less_until_the_server_answers(server: PostgreSQL) -> None:
    patient = limited_to(2.0)
    first, second = (patient.connect(server.url, autocommit=True) for _ in range(2))
    with hung(server):
        with pytest.raises(SilentServerError, match=r"within 2\.5 s"):
            first.execute("SELECT 1")
        with pytest.raises(SilentServerError, match="within 1 s"):
            second.execute("SELECT 1")
    with patient.connect(server.url, autocommit=True) as third:
        third.execute("SELECT pg_sleep(1.5)")


def test_slow_statement_is_cancelled_and_its_connection_stays_open(
    connection: LimitedConnection,
) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("SELECT pg_sleep(60)")
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_unlimited_statements_may_be_slow(connection: LimitedConnection) -> None:
    with connection.unlimited():
        connection.execute("SELECT pg_sleep(1.1)")
    assert connection.execute("SHOW statement_timeout").fetchone() == ("500ms",)


def test_time_limit_is_restored_after_a_failed_unlimited_transaction(
    connection: LimitedConnection,
) -> None:
    connection.autocommit = False
    with pytest.raises(psycopg.errors.UndefinedTable), connection.unlimited():
        connection.execute("SELECT * FROM nowhere")
    connection.rollback()
    assert connection.execute("SHOW statement_timeout").fetchone() == ("500ms",)


def test_options_of_the_url_take_precedence(
    server: PostgreSQL, limited: type[LimitedConnection]
) -> None:
    with limited.connect(server.url, options="-c statement_timeout=7000") as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("7s",)
