"""Footprint bars made from trades in the most obvious way, in whole ticks and lots."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Trade = tuple[int, int, int, int, str]
"""seq, epoch ms, ticks, lots, side."""


def make_trades(count: int, seed: int = 1, start: int = 1_767_225_600_000) -> list[Trade]:
    """Return trades of a random walk, some seconds apart, several at one moment."""
    rng = np.random.default_rng(seed)
    at = start + np.cumsum(rng.choice([0, 0, 137, 900, 4_000], count))
    ticks = 20_000 + np.cumsum(rng.integers(-1, 2, count))
    lots = 1 + rng.geometric(0.08, count)
    sides = rng.choice(["buy", "sell"], count)
    rows = zip(at.tolist(), ticks.tolist(), lots.tolist(), sides.tolist(), strict=True)
    return [(seq, *row) for seq, row in enumerate(rows, 1)]


def bars_of(trades: Sequence[Trade], length_ms: int, step: int) -> list[dict[str, Any]]:
    """Return the bars of trades: each with its rows, by their lowest tick."""
    found: dict[int, list[Trade]] = {}
    for trade in trades:
        found.setdefault(trade[1] // length_ms * length_ms, []).append(trade)
    return [bar_of(rows, opened, step) for opened, rows in found.items()]


def bar_of(trades: Sequence[Trade], opened: int, step: int) -> dict[str, Any]:
    cells: dict[int, list[int]] = {}
    deltas = []
    delta = 0
    for _, _, ticks, lots, side in trades:
        cell = cells.setdefault(ticks // step * step, [0, 0, 0])
        cell[1 if side == "buy" else 0] += lots
        cell[2] += 1
        delta += lots if side == "buy" else -lots
        deltas.append(delta)
    prices = [ticks for _, _, ticks, _, _ in trades]
    rows = sorted(cells)
    return {
        "openedAt": opened,
        "open": prices[0],
        "high": max(prices),
        "low": min(prices),
        "close": prices[-1],
        "volume": sum(lots for _, _, _, lots, _ in trades),
        "delta": delta,
        "deltaMin": min(deltas),
        "deltaMax": max(deltas),
        "trades": len(trades),
        "step": step,
        "cells": {
            "ticks": rows,
            "sell": [cells[row][0] for row in rows],
            "buy": [cells[row][1] for row in rows],
            "trades": [cells[row][2] for row in rows],
        },
        "firstSeq": trades[0][0],
        "lastSeq": trades[-1][0],
        **value_area(rows, [sum(cells[row][:2]) for row in rows]),
    }


def value_area(rows: Sequence[int], volumes: Sequence[int]) -> dict[str, int]:
    """Return the POC (the lowest of equals) and the value area (of equal neighbours, the lower)."""
    poc = low = high = volumes.index(max(volumes))
    while sum(volumes[low : high + 1]) * 10 < 7 * sum(volumes):
        below = volumes[low - 1] if low else -1
        above = volumes[high + 1] if high + 1 < len(volumes) else -1
        if above > below:
            high += 1
        else:
            low -= 1
    return {"poc": rows[poc], "valueLow": rows[low], "valueHigh": rows[high]}
