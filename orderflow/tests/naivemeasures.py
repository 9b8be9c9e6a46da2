"""Slow, obvious versions of the measures of order flow: loops over single trades."""

import itertools
import math


def delta(sides, lots):
    total = 0
    for side, quantity in zip(sides, lots, strict=True):
        total += quantity if side == 1 else -quantity
    return total


def vpin(sides, lots, buckets):
    """Fill one bucket after the other with lots, a hundredth at a time."""
    parts = [
        side for side, quantity in zip(sides, lots, strict=True) for _ in range(100 * quantity)
    ]
    size = len(parts) / buckets
    assert size == int(size), "choose lots that fill the buckets exactly"
    filled = [parts[i : i + int(size)] for i in range(0, len(parts), int(size))]
    return sum(abs(sum(bucket)) / len(bucket) for bucket in filled) / buckets


def slope(flow, changes):
    products = sum(x * y for x, y in zip(flow, changes, strict=True))
    return products / sum(x * x for x in flow)


def amihud(changes, volumes):
    ratios = [abs(c) / v for c, v in zip(changes, volumes, strict=True) if v > 0]
    return sum(ratios) / len(ratios)


def roll(prices):
    products = [
        (prices[i + 2] - prices[i + 1]) * (prices[i + 1] - prices[i])
        for i in range(len(prices) - 2)
    ]
    return 2 * math.sqrt(-sum(products) / len(products))


def half_spread(sides, prices, mids):
    paid = [side * (price - mid) for side, price, mid in zip(sides, prices, mids, strict=True)]
    return sum(paid) / len(paid)


def runs(sides):
    """Return the lengths of the complete runs and that of the last one; the first is left out."""
    found, current = [], 1
    for before, side in itertools.pairwise(sides):
        if side == before:
            current += 1
        else:
            found.append(current)
            current = 1
    return found[1:], current


def imbalance(bests):
    """Return the imbalance of each change of (bid, bid lots, ask, ask lots)."""
    found = []
    for (bid, bid_lots, ask, ask_lots), new in itertools.pairwise(bests):
        new_bid, new_bid_lots, new_ask, new_ask_lots = new
        pressure = 0
        if new_bid > bid:
            pressure += new_bid_lots
        elif new_bid < bid:
            pressure -= bid_lots
        else:
            pressure += new_bid_lots - bid_lots
        if new_ask < ask:
            pressure -= new_ask_lots
        elif new_ask > ask:
            pressure += ask_lots
        else:
            pressure -= new_ask_lots - ask_lots
        found.append(pressure)
    return found


def orders(trades):
    """Return (slot, side, price, lots) of each market order, without the sweeps that end slots."""
    found, last = [], None
    for slot, ticks, lots, side, taker in trades:
        if taker > 0 and (taker >> 13) & 7 == 6:
            continue
        if taker == last:
            found[-1][3] += lots
        else:
            found.append([slot, side, ticks, lots])
        last = taker
    return [tuple(order) for order in found]


def long_run_sum(residuals, bandwidth):
    total = sum(r * r for r in residuals)
    for lag in range(1, bandwidth):
        pairs = zip(residuals, residuals[lag:], strict=False)
        total += 2 * (1 - lag / bandwidth) * sum(a * b for a, b in pairs)
    return total
