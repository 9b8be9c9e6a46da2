"""On PostgreSQL, let the index of instrument and time hold seq and price as well.

A range of time is then read from this index alone. SQLite needs none: its rows lie in the tree of
their primary key. Recording goes on meanwhile: indexes are built concurrently, and only exchanging
them locks the table, for a moment. The visibility map says which pages an index may answer for, so
autovacuum has to visit new rows soon; it skips all pages that it has seen.
"""

from typing import Any

from django.db import migrations

INDEX = "(instrument_id, at) INCLUDE (seq, ticks)"
VACUUMED = "autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000"
TABLES = """
SELECT oid::regclass::text, relname FROM pg_class
WHERE oid = 'quotes_quote'::regclass AND relkind = 'r' OR oid IN (
    SELECT relid FROM pg_partition_tree('quotes_quote') WHERE isleaf
)
"""
IS_COVERED = "SELECT true FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s"
IS_PARTITIONED = "SELECT relkind = 'p' FROM pg_class WHERE oid = 'quotes_quote'::regclass"
EXCHANGE = """
ALTER TABLE quotes_quote DROP CONSTRAINT quote_instrument_at,
    ADD CONSTRAINT quote_instrument_at UNIQUE {}
"""


def cover(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(IS_PARTITIONED)
        is_partitioned = cursor.fetchone()[0]
        cursor.execute(TABLES)
        for table, name in cursor.fetchall():
            index = f"{name}_covering"
            cursor.execute(IS_COVERED, [table, index])
            if cursor.fetchone():  # by an attempt that failed at a later partition
                continue
            cursor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{index}"')  # of a failed attempt
            cursor.execute(f'CREATE UNIQUE INDEX CONCURRENTLY "{index}" ON {table} {INDEX}')
            cursor.execute(f"ALTER TABLE {table} SET ({VACUUMED})")
            if is_partitioned:  # the constraint below adopts those of its partitions
                cursor.execute(f'ALTER TABLE {table} ADD UNIQUE USING INDEX "{index}"')
        cursor.execute(EXCHANGE.format(INDEX if is_partitioned else f'USING INDEX "{index}"'))


def uncover(apps: Any, schema_editor: Any) -> None:
    """Restore the former index, without recording meanwhile."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        for table, _ in cursor.fetchall():
            cursor.execute(
                f"ALTER TABLE {table} RESET (autovacuum_vacuum_insert_scale_factor, "
                "autovacuum_vacuum_insert_threshold)"
            )
        cursor.execute(EXCHANGE.format("(instrument_id, at)"))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("quotes", "0003_regimes_and_streams")]
    operations = [migrations.RunPython(cover, uncover)]
