"""Create SQL views with decimal prices and timestamps (docs/notebooks.md).

SQLite cannot rebuild a table that a view refers to: later migrations of these tables must drop and
recreate the views.
"""

from typing import Any

from django.db import migrations


def moment(vendor: str, column: str) -> str:
    """Return SQL that converts a column of microseconds into a UTC timestamp."""
    if vendor == "postgresql":
        return f"(TIMESTAMPTZ 'epoch' + {column} * INTERVAL '1 microsecond')"
    rest = f"(({column} % 1000000 + 1000000) % 1000000)"
    second = f"strftime('%Y-%m-%d %H:%M:%S', ({column} - {rest}) / 1000000, 'unixepoch')"
    return f"({second} || printf('.%06d', {rest}))"


def price(vendor: str, column: str) -> str:
    """Return SQL that converts a column of ticks into a decimal price."""
    if vendor == "postgresql":
        return f"trim_scale({column} * i.tick_size)"
    return f"round({column} * i.tick_size, 10)"


def views(vendor: str) -> dict[str, str]:
    def of(table: str, *columns: str) -> str:
        return (
            f"SELECT i.symbol, {', '.join(columns)} FROM {table} t "  # noqa: S608
            "JOIN instruments_instrument i ON i.id = t.instrument_id"
        )

    def at(name: str) -> str:
        return f"{moment(vendor, f't.{name}')} AS {name}"

    ohlc = [
        f'{price(vendor, f"t.{name}")} AS "{name}"' for name in ("open", "high", "low", "close")
    ]
    return {
        "quote_prices": of(
            "quotes_quote", "t.seq", at("at"), f"{price(vendor, 't.ticks')} AS price"
        ),
        "candle_prices": of(
            "quotes_candle",
            "t.timeframe",
            at("opened_at"),
            *ohlc,
            "t.count",
            "t.first_seq",
            "t.last_seq",
        ),
        "regime_times": of(
            "quotes_regime", "t.phi", at("started_at"), at("ended_at"), "t.first_seq", "t.last_seq"
        ),
    }


def make(apps: Any, schema_editor: Any) -> None:
    for name, select in views(schema_editor.connection.vendor).items():
        schema_editor.execute(f"CREATE VIEW {name} AS {select}", params=None)


def drop(apps: Any, schema_editor: Any) -> None:
    for name in views(schema_editor.connection.vendor):
        schema_editor.execute(f"DROP VIEW {name}", params=None)


class Migration(migrations.Migration):
    dependencies = [("quotes", "0001_initial"), ("instruments", "0001_initial")]

    operations = [migrations.RunPython(make, drop)]
