"""An exchange with an account; and the audit log, which no test can empty by itself."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.db import connection

from exchange.models import Account
from exchange.tests.clients import funded, listed
from exchange.tests.trading import Exchange
from instruments.models import Instrument
from trading import pulse
from trading.tests.running import running_exchange

append_only = import_module("trading.migrations.0002_append_only")


@pytest.fixture
def committed_log(transactional_db: None) -> Iterator[None]:
    """Let a test commit audit entries, and empty the log after it."""
    yield
    unprotected()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM trading_auditentry")
    with connection.schema_editor() as editor:
        append_only.protect(None, editor)


@pytest.fixture
def short_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bots notice soon that they are not wanted any more."""
    monkeypatch.setattr(pulse, "BEAT_S", 0.05)


def unprotected() -> None:
    """Drop the triggers of the audit log."""
    with connection.schema_editor() as editor:
        append_only.release(None, editor)


@pytest.fixture
def es() -> Instrument:
    return listed("ES")


@pytest.fixture
def account(es: Instrument) -> Account:
    return funded()


@pytest.fixture
def exchange(es: Instrument, account: Account) -> Iterator[Exchange]:
    with running_exchange(es) as exchange:
        yield exchange
