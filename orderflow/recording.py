"""The rows that are stored of closed clusters: numbered, marked, packed. Pure."""

from typing import NamedTuple

import numpy as np

from market.kinds import Rows
from orderflow.clusters import Clusters
from orderflow.kinds import CLUSTERS
from orderflow.marks import marks
from orderflow.packing import encode


class End(NamedTuple):
    """Where the stored clusters of one instrument and timeframe end.

    `last_seq`: of the last trade before the open cluster. Zeros: there is nothing yet.
    """

    number: int = 0
    mark: int = 0
    last_seq: int = 0


def stored_rows(
    closed: Clusters, instrument_id: int, timeframe_s: int, end: End
) -> tuple[Rows, End]:
    """Return the rows of clusters that closed after `end`, and the end after them.

    A first cluster that lacks trades is left out: retention may have removed some of them before
    there were clusters.
    """
    if len(closed) and closed["first_seq"][0] != end.last_seq + 1:
        end = end._replace(last_seq=int(closed["last_seq"][0]))
        closed = closed.part(1, len(closed))
    rows = np.empty(len(closed), CLUSTERS.dtype)
    if not len(closed):
        return rows, end
    rows["instrument"], rows["timeframe"] = instrument_id, timeframe_s
    rows["number"] = np.arange(1, len(closed) + 1) + end.number
    for name in ("opened_at", "first_seq", "last_seq"):
        rows[name] = closed[name]
    data = encode(closed)
    rows["data"][:] = data
    rows["mark"] = marks(
        end.mark, closed["opened_at"], closed["first_seq"], closed["last_seq"], data
    )
    last = rows[-1]
    return rows, End(int(last["number"]), int(last["mark"]), int(last["last_seq"]))
