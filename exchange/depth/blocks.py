"""Book updates as compact bytes, and back. Pure.

A block is a version byte, two varints and two sections. The varints are the number of its levels
plus one (0: it is no snapshot) and the number of its updates; the sections are the book before the
updates, and the updates. A section packs each row into as many bits as its widest numbers need: the
time to the next row or the end of the block, a bit for the side, the distance from the best price
of that side in the section, and the lots. The end of a block is stored beside it.

Prices and lots may be any 64-bit numbers, so that blocks hold books of other venues as well.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exchange.depth.bits import (
    ONE,
    ZERO,
    Bytes,
    Int,
    put_bits,
    put_varint,
    take_bits,
    take_varint,
    unzigzag,
    width,
    zigzag,
)
from exchange.engine.kernel import inlined, kernel

VERSION: Final = 1
UPDATE: Final = np.dtype(
    [("at", np.int64), ("side", np.int64), ("ticks", np.int64), ("lots", np.int64)]
)
"""A change of one level: microseconds since 1970, BUY 1 or SELL -1, its price and its new total."""
MOST_UPDATES: Final = 4096
"""Most updates in a block, which bounds the work of reading a part of one."""
_HEADER_BYTES: Final = 64
"""At least the bytes of the version, the two counts and the heads of both sections."""
_ROW_BYTES: Final = 26
"""At least the bytes of a row whose numbers all need 64 bits."""
_AT, _SIDE, _TICKS, _LOTS = range(4)

Updates = NDArray[np.void]
"""Rows of UPDATE, ascending by time."""
Matrix = NDArray[np.int64]
"""Rows of UPDATE as shape (n, 4)."""

_LOWEST: Final = np.int64(-(2**63))


class CorruptBlockError(ValueError):
    """The bytes are not a block."""


class Decoded(NamedTuple):
    """The updates of consecutive blocks; the book before them, None where that is not stored."""

    levels: Updates | None
    updates: Updates


def encode(updates: Updates, at: int, levels: Updates | None = None) -> bytes:
    """Return a block that ends at `at`, a snapshot if it is given the `levels` before the updates.

    `updates`: ascending by `at`, none later than the block's end; fields other than those of UPDATE
    are ignored. Raise ValueError if they are out of order, or a side or a quantity is invalid.
    """
    rows = matrix(updates)
    check(rows, at)
    before = np.empty((0, 4), np.int64) if levels is None else matrix(levels)
    check_levels(before)
    before[:, _AT] = at
    out = np.zeros(_HEADER_BYTES + _ROW_BYTES * (len(rows) + len(before)), np.uint8)
    size = _encode(rows, at, before, 0 if levels is None else 1, out)
    return out[:size].tobytes()


def decode(block: bytes, at: int) -> Decoded:
    """Return the content of the block that ends at `at`; raise CorruptBlockError."""
    return decode_all([block], [at])


def decode_all(blocks: Sequence[bytes], ends: Sequence[int] | NDArray[np.int64]) -> Decoded:
    """Return the updates of consecutive blocks, and the levels of the first.

    `ends`: the time at which each block ends. Raise CorruptBlockError naming the first bad one.
    """
    data = np.frombuffer(b"".join(blocks), np.uint8)
    starts = np.zeros(len(blocks) + 1, np.int64)
    np.cumsum([len(block) for block in blocks], out=starts[1:])
    counts = np.empty((len(blocks), 2), np.int64)
    refuse(_count(data, starts, counts), blocks)
    has_levels = len(blocks) > 0 and counts[0, 0] > 0
    levels = np.empty((counts[0, 0] - 1 if has_levels else 0, 4), np.int64)
    updates = np.empty((int(counts[:, 1].sum()), 4), np.int64)
    refuse(
        _decode(data, starts, np.ascontiguousarray(ends, np.int64), counts, levels, updates), blocks
    )
    return Decoded(rows_of(levels) if has_levels else None, rows_of(updates))


def refuse(bad: Int, blocks: Sequence[bytes]) -> None:
    """Raise CorruptBlockError if `bad` is the index of a block, not -1."""
    if bad < 0:
        return
    block = blocks[int(bad)]
    name = f"block {bad + 1} of {len(blocks)} ({len(block)} bytes, {block[:8].hex(' ')} ...)"
    if block and block[0] != VERSION:
        raise CorruptBlockError(f"{name} has format version {block[0]}, not {VERSION}")
    raise CorruptBlockError(f"{name} is corrupt: its length and its counts do not agree")


def matrix(updates: Updates) -> Matrix:
    """Return the fields of UPDATE as a new array of shape (n, 4)."""
    rows = np.empty((len(updates), 4), np.int64)
    for column, name in enumerate(UPDATE.names or ()):
        rows[:, column] = updates[name]
    return rows


def rows_of(numbers: Matrix) -> Updates:
    """Return a contiguous array of shape (n, 4) as rows of UPDATE."""
    return numbers.reshape(-1).view(UPDATE)


def check(rows: Matrix, at: int) -> None:
    """Raise ValueError unless `rows` can be the updates of a block that ends at `at`."""
    times = rows[:, _AT]
    if len(rows) and (times[-1] > at or (times[1:] < times[:-1]).any()):
        raise ValueError(f"the updates of a block must ascend in time up to its end {at}")
    check_levels(rows)


def check_levels(rows: Matrix) -> None:
    if (np.abs(rows[:, _SIDE]) != 1).any():
        raise ValueError("the side of a level must be 1 (buy) or -1 (sell)")
    if (rows[:, _LOTS] < 0).any():
        raise ValueError(f"a level of {rows[:, _LOTS].min()} lots: use 0 or more")


@kernel
def _encode(rows: Matrix, at: Int, levels: Matrix, is_snapshot: Int, out: Bytes) -> Int:
    """Write a block; return its length."""
    out[0] = VERSION
    position = put_varint(out, 1, np.uint64(levels.shape[0] + is_snapshot))
    position = put_varint(out, position, np.uint64(rows.shape[0]))
    if levels.shape[0] > 0:
        position = _put_section(out, position, levels, at)
    if rows.shape[0] > 0:
        position = _put_section(out, position, rows, at)
    return position


@inlined
def _put_section(out: Bytes, position: Int, rows: Matrix, at: Int) -> Int:
    """Write at least one row; return the position after them."""
    bid, ask = _best_prices(rows)
    times = prices = lots = ZERO  # all bits of the numbers to write
    for i in range(rows.shape[0]):
        times |= _passed(rows, i, at)
        prices |= _distance(rows[i, _SIDE], rows[i, _TICKS], bid, ask)
        lots |= np.uint64(rows[i, _LOTS])
    time_bits, price_bits, lot_bits = width(times), width(prices), width(lots)
    for bits in (time_bits, price_bits, lot_bits):
        out[position] = bits
        position += 1
    position = put_varint(out, position, zigzag(bid))
    position = put_varint(out, position, zigzag(np.int64(np.uint64(ask) - np.uint64(bid))))
    bit = position * 8
    for i in range(rows.shape[0]):
        side = rows[i, _SIDE]
        bit = put_bits(out, bit, _passed(rows, i, at), time_bits)
        bit = put_bits(out, bit, ONE if side > 0 else ZERO, 1)
        bit = put_bits(out, bit, _distance(side, rows[i, _TICKS], bid, ask), price_bits)
        bit = put_bits(out, bit, np.uint64(rows[i, _LOTS]), lot_bits)
    return (bit + 7) // 8


@inlined
def _best_prices(rows: Matrix) -> tuple[Int, Int]:
    """Return the highest bid and the lowest ask; of a side without rows, the other's."""
    bid = ask = np.int64(0)
    has_bid = has_ask = False
    for i in range(rows.shape[0]):
        ticks = rows[i, _TICKS]
        if rows[i, _SIDE] > 0:
            bid = max(bid, ticks) if has_bid else ticks
            has_bid = True
        else:
            ask = min(ask, ticks) if has_ask else ticks
            has_ask = True
    return (bid if has_bid else ask), (ask if has_ask else bid)


@inlined
def _passed(rows: Matrix, i: Int, at: Int) -> np.uint64:
    """Return the time from row i to the next one, or to the end of the block."""
    after = rows[i + 1, _AT] if i + 1 < rows.shape[0] else at
    return np.uint64(after) - np.uint64(rows[i, _AT])


@inlined
def _distance(side: Int, ticks: Int, bid: Int, ask: Int) -> np.uint64:
    if side > 0:
        return np.uint64(bid) - np.uint64(ticks)
    return np.uint64(ticks) - np.uint64(ask)


@kernel
def _count(data: Bytes, starts: NDArray[np.int64], counts: Matrix) -> Int:
    """Read the counts of each block: levels plus one, updates; return the first bad one, or -1.

    A row takes at least a bit, so the length of the data bounds the memory for its rows.
    """
    for block in range(counts.shape[0]):
        position, end = starts[block], starts[block + 1]
        if position == end or data[position] != VERSION:
            return block
        position += 1
        for which in range(2):
            value, position = take_varint(data, position, end)
            if position < 0 or value > np.uint64(8 * (end - starts[block])):
                return block
            counts[block, which] = np.int64(value)
    return -1


@kernel
def _decode(
    data: Bytes,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    counts: Matrix,
    levels: Matrix,
    updates: Matrix,
) -> Int:
    """Read the levels of the first block and all updates; return the first bad block, or -1."""
    unread = updates[:0]
    row = 0
    for block in range(counts.shape[0]):
        end, at = starts[block + 1], ends[block]
        position = starts[block] + 1
        for _ in range(2):
            _, position = take_varint(data, position, end)
        if counts[block, 0] > 1:
            rows = levels if block == 0 else unread
            position = _take_section(data, position, end, counts[block, 0] - 1, at, rows)
        count = counts[block, 1]
        if count > 0 and position >= 0:
            rows = updates[row : row + count]
            position = _take_section(data, position, end, count, at, rows)
            row += count
        if position != end:
            return block
    return -1


@inlined
def _take_section(data: Bytes, position: Int, end: Int, count: Int, at: Int, rows: Matrix) -> Int:
    """Read `count` rows into `rows`, or skip them if it is empty.

    Return the position after them, -1 if they are corrupt.
    """
    if position + 3 > end:
        return -1
    time_bits = np.int64(data[position])
    price_bits = np.int64(data[position + 1])
    lot_bits = np.int64(data[position + 2])
    if time_bits > 64 or price_bits > 64 or lot_bits > 63:
        return -1
    bid, position = take_varint(data, position + 3, end)
    if position >= 0:
        ask, position = take_varint(data, position, end)
    if position < 0:
        return -1
    bid = unzigzag(bid)
    ask = bid + unzigzag(ask)
    row_bits = time_bits + 1 + price_bits + lot_bits
    after = position + (count * row_bits + 7) // 8
    if after > end:
        return -1
    bit = position * 8
    for i in range(rows.shape[0]):
        passed = take_bits(data, bit, time_bits)
        is_bid = take_bits(data, bit + time_bits, 1) == ONE
        distance = take_bits(data, bit + time_bits + 1, price_bits)
        lots = take_bits(data, bit + row_bits - lot_bits, lot_bits)
        rows[i, _AT] = np.int64(passed)
        rows[i, _SIDE] = 1 if is_bid else -1
        rows[i, _TICKS] = np.int64(bid - distance if is_bid else ask + distance)
        rows[i, _LOTS] = np.int64(lots)
        bit += row_bits
    for i in range(rows.shape[0] - 1, -1, -1):
        passed = np.uint64(rows[i, _AT])
        if passed > np.uint64(at) - np.uint64(_LOWEST):
            return -1
        at = np.int64(np.uint64(at) - passed)
        rows[i, _AT] = at
    return after
