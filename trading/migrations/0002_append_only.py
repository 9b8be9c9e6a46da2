"""The audit log can only grow: the database itself rejects every other change.

SQLite drops triggers when Django rebuilds a table: a migration that alters AuditEntry must protect it
again. PostgreSQL lets TRUNCATE pass while the log is empty, because tests empty all tables with it.
"""

from typing import Any, Final

from django.db import migrations

REASON: Final = "the audit log is append-only"
SQLITE: Final = [
    f"CREATE TRIGGER trading_auditentry_no_{verb.lower()} BEFORE {verb} ON trading_auditentry "
    f"BEGIN SELECT RAISE(ABORT, '{REASON}'); END"
    for verb in ("UPDATE", "DELETE")
]
POSTGRESQL: Final = [
    """
    CREATE FUNCTION trading_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'TRUNCATE' THEN
            IF NOT EXISTS (SELECT 1 FROM trading_auditentry) THEN RETURN NULL; END IF;
        END IF;
        RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    "CREATE TRIGGER trading_auditentry_no_change BEFORE UPDATE OR DELETE ON trading_auditentry "
    "FOR EACH ROW EXECUTE FUNCTION trading_refuse_change()",
    "CREATE TRIGGER trading_auditentry_no_truncate BEFORE TRUNCATE ON trading_auditentry "
    "FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change()",
]
UNDO: Final = {
    "sqlite": [f"DROP TRIGGER trading_auditentry_no_{verb}" for verb in ("update", "delete")],
    "postgresql": [
        "DROP TRIGGER trading_auditentry_no_change ON trading_auditentry",
        "DROP TRIGGER trading_auditentry_no_truncate ON trading_auditentry",
        "DROP FUNCTION trading_refuse_change()",
    ],
}
DO: Final = {"sqlite": SQLITE, "postgresql": POSTGRESQL}


def protect(_: Any, editor: Any) -> None:
    for statement in DO[editor.connection.vendor]:
        editor.execute(statement)


def release(_: Any, editor: Any) -> None:
    for statement in UNDO[editor.connection.vendor]:
        editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("trading", "0001_bots")]
    operations = [migrations.RunPython(protect, release)]
