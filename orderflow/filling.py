"""Clusters of trades that were recorded before there were clusters; a migration makes them.

Nothing here reads tables through models, whose columns may be newer than the migration.
"""

from collections.abc import Iterable

from archive import records
from archive.instruments import find
from exchange.kinds import TRADES
from instruments.models import Instrument
from journal.storage import insert
from orderflow.derived import RecordedClusters


def fill_all(symbols: Iterable[str]) -> None:
    """Store the closed clusters of all trades of instruments that have none yet."""
    for symbol in symbols:
        if instrument := find(symbol):
            fill(instrument)


def fill(instrument: Instrument) -> None:
    derived = RecordedClusters.empty(instrument.pk)
    last_seq = records.newest_seq(TRADES, instrument)
    for trades in records.chunks(TRADES, instrument, 0, last_seq):
        for table, rows in derived.extend(trades):
            insert(table, rows)
