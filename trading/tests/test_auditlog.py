"""The audit log: a chain that only grows, on both databases."""

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from archive.auditing import Report
from trading import auditlog
from trading.auditing import audit_log
from trading.models import AuditEntry, AuditHead
from trading.tests.bots import NOW
from trading.tests.conftest import append_only
from trading.tracing import traced


def write(count: int, actor: str = "me") -> list[AuditEntry]:
    return [
        auditlog.append(actor=actor, action="place", detail={"lots": n}, at=NOW, bot=7)
        for n in range(count)
    ]


def violations() -> list[str]:
    report = Report("audit log")
    audit_log(report)
    return report.violations


@pytest.mark.django_db
def test_entries_form_a_chain_that_the_audit_accepts() -> None:
    first, second, third = write(3)
    assert [first.seq, second.seq, third.seq] == [1, 2, 3]
    assert (second.previous, third.previous) == (first.hash, second.hash)
    assert violations() == []


@pytest.mark.django_db
def test_entries_carry_the_trace_of_their_context() -> None:
    with traced("abc"):
        (entry,) = write(1)
    assert entry.trace_id == "abc"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        lambda: AuditEntry.objects.filter(seq=2).update(actor="them"),
        lambda: AuditEntry.objects.filter(seq=2).delete(),
    ],
)
def test_the_database_rejects_changes(change: Callable[[], object]) -> None:
    write(3)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change()
    assert violations() == []


@pytest.mark.postgresql
@pytest.mark.django_db
def test_postgresql_rejects_truncate() -> None:
    write(1)
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("TRUNCATE trading_auditentry")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sql", "violation"),
    [
        ("UPDATE trading_auditentry SET detail = '{\"lots\":9}' WHERE seq = 2", "was changed"),
        ("UPDATE trading_auditentry SET actor = 'them' WHERE seq = 3", "was changed"),
        ("DELETE FROM trading_auditentry WHERE seq = 2", "is missing"),
        ("DELETE FROM trading_auditentry WHERE seq = 3", "the log ends at entry 2"),
        ("UPDATE trading_audithead SET seq = 2", "the log ends at entry 2"),
    ],
)
@pytest.mark.usefixtures("committed_log")
def test_tampering_without_triggers_is_found(sql: str, violation: str) -> None:
    write(3)
    with connection.schema_editor() as editor:
        append_only.release(None, editor)
    with connection.cursor() as cursor:
        cursor.execute(sql)
    with connection.schema_editor() as editor:
        append_only.protect(None, editor)
    assert any(violation in found for found in violations())


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("committed_log")
def test_missing_triggers_are_found() -> None:
    with connection.schema_editor() as editor:
        append_only.release(None, editor)
    assert any("0 of 2 triggers" in found for found in violations())
    with connection.schema_editor() as editor:
        append_only.protect(None, editor)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("committed_log")
def test_concurrent_appends_make_one_chain() -> None:
    def run(actor: str) -> None:
        write(5, actor)
        connection.close()

    threads = [threading.Thread(target=run, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AuditHead.objects.get().seq == 20
    assert violations() == []
