"""Closed clusters as they are stored."""

from typing import NamedTuple

from archive.columns import Columns
from archive.database import fetch
from archive.rangescans import scan
from archive.selections import Span
from exchange.kinds import TRADE_CANDLES
from instruments.models import Instrument
from market.timeframes import SECONDS
from orderflow.clusters import Clusters, Integers
from orderflow.kinds import CLUSTERS
from orderflow.packing import decode
from orderflow.recording import End

FIELDS = ("opened_at", "first_seq", "last_seq", "data")


class Newest(NamedTuple):
    """The newest closed cluster of a timeframe."""

    number: int
    mark: int


class Marked(NamedTuple):
    """Clusters and their marks, shape (k,)."""

    clusters: Clusters
    marks: Integers


def closed_clusters(instrument: Instrument, timeframe_s: int, span: Span) -> Clusters:
    """Return the stored clusters of a span, rows of one tick."""
    where = {"timeframe": timeframe_s}
    return decoded(scan(CLUSTERS, instrument, span=span, where=where, fields=FIELDS))


def marked_clusters(instrument: Instrument, timeframe_s: int, span: Span) -> Marked:
    """Return the stored clusters of a span, rows of one tick, with their marks."""
    where = {"timeframe": timeframe_s}
    found = scan(CLUSTERS, instrument, span=span, where=where, fields=(*FIELDS, "mark"))
    return Marked(decoded(found), found["mark"])


def decoded(found: Columns) -> Clusters:
    """Return the clusters of rows with FIELDS."""
    blobs = [bytes(data) for data in found["data"]]
    return decode(blobs, found["opened_at"], found["first_seq"], found["last_seq"])


def ends(instrument: Instrument) -> dict[int, End]:
    """Return where the stored clusters end, by timeframe in seconds.

    Candles of trades tell the last trade, because clusters may be missing after retention.
    """
    return {timeframe_s: end(instrument, timeframe_s) for timeframe_s in SECONDS}


def end(instrument: Instrument, timeframe_s: int) -> End:
    candles = fetch(_newest("last_seq", TRADE_CANDLES.table), [instrument.pk, timeframe_s])
    last_seq = int(candles[0][0]) if candles else 0
    number, mark = newest(instrument, timeframe_s)
    return End(number, mark, last_seq)


def newest(instrument: Instrument, timeframe_s: int) -> Newest:
    """Return the newest closed cluster of a timeframe, zeros if there is none."""
    found = fetch(_newest("number, mark", CLUSTERS.table), [instrument.pk, timeframe_s])
    return Newest(*map(int, found[0])) if found else Newest(0, 0)


def _newest(fields: str, table: str) -> str:
    return (
        f"SELECT {fields} FROM {table} WHERE instrument_id = %s AND timeframe = %s "  # noqa: S608
        "ORDER BY opened_at DESC LIMIT 1"
    )
