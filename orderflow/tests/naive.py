"""Slow and obvious twins of what clusters compute, row by row."""

from collections import defaultdict
from typing import Any

import numpy as np

from exchange.kinds import TRADES
from market.kinds import Rows
from market.timeframes import opened_at
from orderflow.clusters import HEAD, Clusters


def naive_clusters(trades: Rows, timeframe_s: int, step: int) -> list[dict[str, Any]]:
    """Return the clusters of ascending trades."""
    candles: dict[int, list[Any]] = defaultdict(list)
    for trade in trades:
        candles[opened_at(int(trade["at"]), timeframe_s)].append(trade)
    return [naive_cluster(opened, of, step) for opened, of in sorted(candles.items())]


def naive_cluster(opened: int, trades: list[Any], step: int) -> dict[str, Any]:
    rows: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    deltas = []
    delta = 0
    for trade in trades:
        row = rows[int(trade["ticks"]) // step * step]
        row[1 if trade["side"] > 0 else 0] += int(trade["lots"])
        row[2] += 1
        delta += int(trade["lots"] * trade["side"])
        deltas.append(delta)
    ticks = [int(trade["ticks"]) for trade in trades]
    return {
        "opened_at": opened,
        "open": ticks[0],
        "high": max(ticks),
        "low": min(ticks),
        "close": ticks[-1],
        "first_seq": int(trades[0]["seq"]),
        "last_seq": int(trades[-1]["seq"]),
        "volume": sum(int(trade["lots"]) for trade in trades),
        "delta": delta,
        "delta_min": min(deltas),
        "delta_max": max(deltas),
        "rows": [(price, *rows[price]) for price in sorted(rows)],
    }


def naive_area(rows: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Return POC, first and last row of the value area."""
    volumes = [sell + buy for _, sell, buy, _ in rows]
    poc = volumes.index(max(volumes))
    inside = {poc}
    while sum(volumes[i] for i in inside) < 0.7 * sum(volumes) - 1e-9:
        outside = [i for i in (min(inside) - 1, max(inside) + 1) if 0 <= i < len(rows)]
        inside.add(max(outside, key=lambda i: volumes[i]))  # of equal ones, the first: the lower
    return rows[poc][0], rows[min(inside)][0], rows[max(inside)][0]


def as_dicts(clusters: Clusters) -> list[dict[str, Any]]:
    """Return clusters in the form of the twins."""
    return [
        {name: int(clusters[name][i]) for name in HEAD.names or ()}
        | {"rows": [tuple(row) for row in clusters.rows_of(i).tolist()]}
        for i in range(len(clusters))
    ]


def random_trades(
    rng: np.random.Generator, n: int, *, pause_s: float = 20.0, jump: int = 3
) -> Rows:
    """Return trades of instrument 1 at random times and prices, some at the same moment."""
    trades = np.zeros(n, TRADES.dtype)
    trades["instrument"], trades["seq"] = 1, np.arange(1, n + 1)
    pauses = rng.exponential(pause_s * 1e6, n) * rng.integers(0, 3, n)
    trades["at"] = 1_767_225_600_000_000 + np.cumsum(pauses.astype(np.int64))
    trades["ticks"] = 20_000 + np.cumsum(rng.integers(-jump, jump + 1, n))
    trades["lots"] = rng.integers(1, 50, n)
    trades["side"] = rng.choice([-1, 1], n)
    return trades
