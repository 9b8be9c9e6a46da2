"""Clusters of any span, closed or open, from stored clusters and the trades beside them."""

from archive.instruments import Newest
from archive.rangescans import read, read_together
from archive.selections import Span, select
from exchange.kinds import CANDLES_OF_TRADES, TRADES
from instruments.models import Instrument
from market.keys import row_key
from market.timeframes import SECONDS, opened_at
from orderflow.clusters import Clusters, joined, merged, no_clusters, of_trades
from orderflow.kinds import CLUSTERS
from orderflow.stored import FIELDS, decoded
from orderflow.tiles import next_opening, tiles

MINUTE_S = SECONDS[0]
MOST = 2**31
"""As a limit: all rows."""


def open_cluster(instrument: Instrument, newest: Newest, timeframe_s: int) -> Clusters:
    """Return the cluster that is open at the trade `newest`, rows of one tick."""
    opened = opened_at(newest.at, timeframe_s)
    return merged(pieces(instrument, opened, newest.at + 1, newest), opened)


def pieces(instrument: Instrument, start: int, end: int, newest: Newest) -> Clusters:
    """Return clusters that together hold the trades of start <= at < end up to `newest`.

    Times are in microseconds. Stored clusters hold all but the trades at the edges. Where one is
    missing, because trades were removed before there were clusters, what is left of them is read.
    """
    end = min(end, newest.at + 1)
    first = next_opening(start, MINUTE_S)
    last = opened_at(min(end, newest.at), MINUTE_S)  # the minute of the newest trade is open
    if first >= last:
        return trades_between(instrument, start, end, newest)
    found = joined(
        [
            trades_between(instrument, start, first, newest),
            stored_between(instrument, first, last),
            trades_between(instrument, last, end, newest),
        ]
    )
    is_whole = (found["first_seq"][1:] == found["last_seq"][:-1] + 1).all()
    return found if is_whole else trades_between(instrument, start, end, newest)


def stored_between(instrument: Instrument, start: int, end: int) -> Clusters:
    """Return closed clusters, the longest, that tile a span from minute to minute."""
    selections = [
        select(
            CLUSTERS,
            instrument.pk,
            span=Span(tile.start, tile.end),
            where={"timeframe": tile.timeframe_s},
            fields=FIELDS,
        )
        for tile in tiles(start, end)
    ]
    parts = [(selection, MOST) for selection in selections]
    return decoded(read_together(parts, instrument.lattice))


def trades_between(instrument: Instrument, start: int, end: int, newest: Newest) -> Clusters:
    """Return the clusters of a minute of the trades of a span, up to `newest`."""
    if start >= end:
        return no_clusters()
    fields = CANDLES_OF_TRADES.fields
    trades = select(TRADES, instrument.pk, span=Span(start, end), fields=fields)
    upto = trades.within(before=row_key(instrument.pk, newest.seq) + 1)
    return of_trades(read(upto, instrument.lattice), MINUTE_S)


def total(instrument: Instrument, start: int, end: int, newest: Newest) -> Clusters:
    """Return one cluster of all trades of a span, rows of one tick; none if there are none."""
    return merged(pieces(instrument, start, end, newest), start)
