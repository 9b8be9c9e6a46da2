"""Clusters: candles of trades, with the quantities that were traded at each price. Pure.

The rows of a cluster are price ranges of `step` ticks that begin at multiples of the step. A row is
named by its lowest price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from exchange.engine.kernel import inlined, kernel
from market.candles import Fields
from market.timeframes import opened_at

Integers = NDArray[np.int64]
Matrix = NDArray[np.int64]
"""Shape (n, columns)."""
Heads = NDArray[np.void]

HEAD: Final = np.dtype(
    [
        ("opened_at", np.int64),  # microseconds since 1970-01-01 UTC
        ("open", np.int64),  # prices in ticks
        ("high", np.int64),
        ("low", np.int64),
        ("close", np.int64),
        ("first_seq", np.int64),  # of the trades
        ("last_seq", np.int64),
        ("volume", np.int64),  # lots
        ("delta", np.int64),  # aggressive buys minus aggressive sells
        ("delta_min", np.int64),  # least and greatest delta after any of the trades
        ("delta_max", np.int64),
    ]
)
(
    OPENED_AT, OPEN, HIGH, LOW, CLOSE, FIRST_SEQ, LAST_SEQ, VOLUME, DELTA, DELTA_MIN, DELTA_MAX,
) = range(len(HEAD.names or ()))  # fmt: skip
"""Columns of a head as whole numbers."""
TICKS, SELL, BUY, TRADES = range(4)
"""Columns of a row: lowest price, lots of aggressive sells and buys, number of trades."""
DENSE: Final = 65_536
"""Most prices that are counted in an array with a place for each, however few trades there are."""


@dataclass(frozen=True)
class Clusters:
    """Clusters of one instrument, ascending by time.

    The rows of cluster i are rows[starts[i]:starts[i + 1]], ascending by price, only those with
    trades.
    """

    heads: Heads
    starts: Integers
    rows: Matrix

    def __len__(self) -> int:
        return len(self.heads)

    def __getitem__(self, name: str) -> Integers:
        """Return a field of the heads."""
        found: Integers = self.heads[name]
        return found

    def part(self, first: int, end: int) -> "Clusters":
        """Return the clusters first ... end - 1."""
        start, stop = self.starts[first], self.starts[end]
        starts = self.starts[first : end + 1] - start
        return Clusters(self.heads[first:end], starts, self.rows[start:stop])

    def rows_of(self, i: int) -> Matrix:
        return self.rows[self.starts[i] : self.starts[i + 1]]


def no_clusters() -> Clusters:
    return Clusters(np.empty(0, HEAD), np.zeros(1, np.int64), np.empty((0, 4), np.int64))


def joined(parts: Sequence[Clusters]) -> Clusters:
    """Return the clusters of consecutive parts as one."""
    if len(parts) == 1:
        return parts[0]
    counts = [np.diff(part.starts) for part in parts]
    starts = np.concatenate([[0], *counts]).cumsum()
    heads = np.concatenate([part.heads for part in parts])
    return Clusters(heads, starts, np.concatenate([part.rows for part in parts]))


def of_trades(trades: Fields, timeframe_s: int, step: int = 1) -> Clusters:
    """Return the clusters of ascending trades; fields seq, at, ticks, lots, side (1, -1)."""
    if not len(trades):
        return no_clusters()
    opened = opened_at(integers(trades["at"]), timeframe_s)
    bounds = group_bounds(opened)
    heads = new_heads(opened[bounds[:-1]])
    ticks = integers(trades["ticks"])
    levels, places = placed(ticks // step)
    rows = np.empty((len(trades), 4), np.int64)
    starts = np.zeros(len(bounds), np.int64)
    _cluster(
        bounds, integers(trades["seq"]), ticks, integers(trades["lots"]), integers(trades["side"]),
        places, levels, step, np.zeros((len(levels), 3), np.int64), heads, starts, rows,
    )  # fmt: skip
    return Clusters(heads.reshape(-1).view(HEAD), starts, rows[: starts[-1]].copy())


def coarsen(pieces: Clusters, timeframe_s: int, step: int = 1) -> Clusters:
    """Merge ascending finer clusters, closed or open, into clusters of `timeframe_s` seconds.

    `step`: a multiple of the step of the pieces.
    """
    return grouped(pieces, opened_at(pieces["opened_at"], timeframe_s), step)


def in_steps(clusters: Clusters, steps: Integers | int) -> Clusters:
    """Return clusters whose rows have one tick with rows of `steps` ticks.

    `steps`: one for all clusters, or one for each, shape (k,).
    """
    of_each = np.full(len(clusters), steps, np.int64)
    if (of_each == 1).all():
        return clusters
    starts = np.zeros(len(clusters) + 1, np.int64)
    rows = np.empty_like(clusters.rows, order="C")
    _coarsen_rows(clusters.starts, np.ascontiguousarray(clusters.rows), of_each, starts, rows)
    return Clusters(clusters.heads, starts, rows[: starts[-1]].copy())


def merged(pieces: Clusters, opened: int, step: int = 1) -> Clusters:
    """Merge all pieces into one cluster that opened then; none if there are none."""
    return grouped(pieces, np.full(len(pieces), opened, np.int64), step)


def grouped(pieces: Clusters, opened: Integers, step: int) -> Clusters:
    """Merge neighbouring pieces with equal times; `opened`: the time of each, ascending."""
    if not len(pieces):
        return pieces
    bounds = group_bounds(opened)
    heads = new_heads(opened[bounds[:-1]])
    levels, places = placed(pieces.rows[:, TICKS] // step)
    rows = np.empty((len(pieces.rows), 4), np.int64)
    starts = np.zeros(len(bounds), np.int64)
    given = np.ascontiguousarray(pieces.heads).view(np.int64).reshape(-1, heads.shape[1])
    _merge(
        bounds, given, pieces.starts, np.ascontiguousarray(pieces.rows), places, levels, step,
        np.zeros((len(levels), 3), np.int64), heads, starts, rows,
    )  # fmt: skip
    return Clusters(heads.reshape(-1).view(HEAD), starts, rows[: starts[-1]].copy())


def integers(values: NDArray[np.integer]) -> Integers:
    """Return a copy, always: kernels would be compiled once more for arrays that are read-only."""
    return np.array(values, np.int64)


def group_bounds(opened: Integers) -> Integers:
    """Return where each group of equal times begins, and the end."""
    changes = np.flatnonzero(opened[1:] != opened[:-1]) + 1
    return np.concatenate(([0], changes, [len(opened)])).astype(np.int64)


def new_heads(opened: Integers) -> Matrix:
    heads = np.zeros((len(opened), len(HEAD.names or ())), np.int64)
    heads[:, OPENED_AT] = opened
    return heads


def placed(prices: Integers) -> tuple[Integers, Integers]:
    """Return ascending prices that include all of `prices`, and the place of each among them."""
    lowest, highest = int(prices.min()), int(prices.max())
    if highest - lowest < max(DENSE, 4 * len(prices)):
        return np.arange(lowest, highest + 1), prices - lowest
    levels, places = np.unique(prices, return_inverse=True)
    return levels, integers(places)


@kernel
def _cluster(
    bounds: Integers,
    seq: Integers,
    ticks: Integers,
    lots: Integers,
    side: Integers,
    places: Integers,
    levels: Integers,
    step: int,
    counts: Matrix,
    heads: Matrix,
    starts: Integers,
    rows: Matrix,
) -> None:
    """Count the trades bounds[i] ... bounds[i + 1] - 1 into cluster i; `counts` are zeros."""
    for i in range(heads.shape[0]):
        first, end = bounds[i], bounds[i + 1]
        lowest = highest = places[first]
        high = low = ticks[first]
        volume = delta = np.int64(0)
        least = greatest = lots[first] if side[first] > 0 else -lots[first]
        for j in range(first, end):
            place = places[j]
            lowest, highest = min(lowest, place), max(highest, place)
            high, low = max(high, ticks[j]), min(low, ticks[j])
            if side[j] > 0:
                counts[place, 1] += lots[j]
                delta += lots[j]
            else:
                counts[place, 0] += lots[j]
                delta -= lots[j]
            counts[place, 2] += 1
            volume += lots[j]
            least, greatest = min(least, delta), max(greatest, delta)
        head = heads[i]
        head[OPEN], head[HIGH], head[LOW], head[CLOSE] = ticks[first], high, low, ticks[end - 1]
        head[FIRST_SEQ], head[LAST_SEQ] = seq[first], seq[end - 1]
        head[VOLUME], head[DELTA] = volume, delta
        head[DELTA_MIN], head[DELTA_MAX] = least, greatest
        starts[i + 1] = _take_rows(counts, lowest, highest, levels, step, rows, starts[i])


@kernel
def _merge(
    bounds: Integers,
    pieces: Matrix,
    piece_starts: Integers,
    piece_rows: Matrix,
    places: Integers,
    levels: Integers,
    step: int,
    counts: Matrix,
    heads: Matrix,
    starts: Integers,
    rows: Matrix,
) -> None:
    """Merge the pieces bounds[i] ... bounds[i + 1] - 1 into cluster i; `counts` are zeros.

    A piece counts its delta from 0, so what was before it is added to its extremes.
    """
    for i in range(heads.shape[0]):
        first, end = bounds[i], bounds[i + 1]
        lowest = highest = places[piece_starts[first]]
        head = heads[i]
        for name in (OPEN, HIGH, LOW, FIRST_SEQ, DELTA_MIN, DELTA_MAX):
            head[name] = pieces[first, name]
        for j in range(first, end):
            piece = pieces[j]
            head[HIGH], head[LOW] = max(head[HIGH], piece[HIGH]), min(head[LOW], piece[LOW])
            head[DELTA_MIN] = min(head[DELTA_MIN], head[DELTA] + piece[DELTA_MIN])
            head[DELTA_MAX] = max(head[DELTA_MAX], head[DELTA] + piece[DELTA_MAX])
            head[DELTA] += piece[DELTA]
            head[VOLUME] += piece[VOLUME]
            for k in range(piece_starts[j], piece_starts[j + 1]):
                place = places[k]
                lowest, highest = min(lowest, place), max(highest, place)
                for column in range(3):
                    counts[place, column] += piece_rows[k, column + 1]
        head[CLOSE], head[LAST_SEQ] = pieces[end - 1, CLOSE], pieces[end - 1, LAST_SEQ]
        starts[i + 1] = _take_rows(counts, lowest, highest, levels, step, rows, starts[i])


@kernel
def _coarsen_rows(
    starts: Integers, rows: Matrix, steps: Integers, new_starts: Integers, found: Matrix
) -> None:
    """Merge the ascending rows of each cluster that fall into one row of its step."""
    at = 0
    for i in range(steps.shape[0]):
        step, first = steps[i], at
        end = np.int64(0)  # of the row before `at`
        for j in range(starts[i], starts[i + 1]):
            if at > first and rows[j, TICKS] < end:
                for column in range(1, 4):
                    found[at - 1, column] += rows[j, column]
            else:
                price = rows[j, TICKS] // step * step
                end = price + step
                found[at, TICKS] = price
                for column in range(1, 4):
                    found[at, column] = rows[j, column]
                at += 1
        new_starts[i + 1] = at


@inlined
def _take_rows(
    counts: Matrix, lowest: int, highest: int, levels: Integers, step: int, rows: Matrix, at: int
) -> int:
    """Move the counts of a cluster into its rows; return where they end."""
    for place in range(lowest, highest + 1):
        if counts[place, 2] > 0:
            rows[at, TICKS] = levels[place] * step
            for column in range(3):
                rows[at, column + 1] = counts[place, column]
                counts[place, column] = 0
            at += 1
    return at
