"""Closed clusters as compact bytes, and back. Pure.

A version byte and varints: the lowest price (zigzag), the distances of open and close from it, the
extremes of the delta (zigzag), the number of rows, and of each row the distance from the row before
minus one (of the first row: 0), the lots of sells and buys, and the trades. Rows have one tick.
High, low, volume and delta follow from the rows; time and seqs are stored beside the bytes.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from exchange.depth.bits import Bytes, Int, put_varint, take_varint, unzigzag, zigzag
from exchange.engine.kernel import kernel
from orderflow.clusters import (
    CLOSE,
    DELTA,
    DELTA_MAX,
    DELTA_MIN,
    HEAD,
    HIGH,
    LOW,
    OPEN,
    VOLUME,
    Clusters,
    Integers,
    Matrix,
    new_heads,
)

VERSION: Final = 1
_HEAD_BYTES: Final = 64
"""At least the bytes before the rows."""
_ROW_BYTES: Final = 40
"""At least the bytes of a row whose numbers all need 64 bits."""


class CorruptClusterError(ValueError):
    """The bytes are not a cluster."""


def encode(clusters: Clusters) -> list[bytes]:
    """Return the bytes of each cluster; rows have one tick."""
    heads = np.ascontiguousarray(clusters.heads).view(np.int64).reshape(-1, len(HEAD.names or ()))
    rows = np.ascontiguousarray(clusters.rows)
    out = np.empty(_HEAD_BYTES * len(heads) + _ROW_BYTES * len(rows), np.uint8)
    ends = np.zeros(len(heads) + 1, np.int64)
    _encode(heads, clusters.starts, rows, out, ends)
    data = out[: ends[-1]].tobytes()
    return [data[ends[i] : ends[i + 1]] for i in range(len(heads))]


def decode(
    blobs: Sequence[bytes], opened: Integers, first_seq: Integers, last_seq: Integers
) -> Clusters:
    """Return the clusters of bytes, times and seqs; raise CorruptClusterError."""
    data = np.frombuffer(b"".join(blobs), np.uint8)
    ends = np.zeros(len(blobs) + 1, np.int64)
    np.cumsum([len(blob) for blob in blobs], out=ends[1:])
    starts = np.zeros(len(blobs) + 1, np.int64)
    refuse(_count(data, ends, starts), blobs)
    heads = new_heads(opened)
    rows = np.empty((int(starts[-1]), 4), np.int64)
    refuse(_decode(data, ends, starts, heads, rows), blobs)
    found = heads.reshape(-1).view(HEAD)
    found["first_seq"], found["last_seq"] = first_seq, last_seq
    return Clusters(found, starts, rows)


def refuse(bad: Int, blobs: Sequence[bytes]) -> None:
    """Raise CorruptClusterError if `bad` is the index of a cluster, not -1."""
    if bad >= 0:
        blob = blobs[int(bad)]
        raise CorruptClusterError(
            f"cluster {bad + 1} of {len(blobs)} ({len(blob)} bytes, {blob[:8].hex(' ')} ...) is "
            "corrupt: its version, length and number of rows do not agree"
        )


@kernel
def _encode(heads: Matrix, starts: Integers, rows: Matrix, out: Bytes, ends: Integers) -> None:
    for i in range(heads.shape[0]):
        position = ends[i]
        out[position] = VERSION
        low = heads[i, LOW]
        position = put_varint(out, position + 1, zigzag(low))
        position = put_varint(out, position, np.uint64(heads[i, OPEN] - low))
        position = put_varint(out, position, np.uint64(heads[i, CLOSE] - low))
        position = put_varint(out, position, zigzag(heads[i, DELTA_MIN]))
        position = put_varint(out, position, zigzag(heads[i, DELTA_MAX]))
        position = put_varint(out, position, np.uint64(starts[i + 1] - starts[i]))
        before = low - 1
        for j in range(starts[i], starts[i + 1]):
            position = put_varint(out, position, np.uint64(rows[j, 0] - before - 1))
            before = rows[j, 0]
            for column in range(1, 4):
                position = put_varint(out, position, np.uint64(rows[j, column]))
        ends[i + 1] = position


@kernel
def _count(data: Bytes, ends: Integers, starts: Integers) -> Int:
    """Read how many rows each cluster has; return the first bad one, or -1.

    A row takes at least 4 bytes, so the length of the data bounds the memory for its rows.
    """
    for i in range(ends.shape[0] - 1):
        position, end = ends[i], ends[i + 1]
        if position == end or data[position] != VERSION:
            return i
        position += 1
        count = np.uint64(0)
        for _ in range(6):
            count, position = take_varint(data, position, end)
            if position < 0:
                return i
        if count > np.uint64((end - position) // 4) or count == np.uint64(0):
            return i
        starts[i + 1] = starts[i] + np.int64(count)
    return -1


@kernel
def _decode(data: Bytes, ends: Integers, starts: Integers, heads: Matrix, rows: Matrix) -> Int:
    """Read all clusters; return the first bad one, or -1."""
    for i in range(heads.shape[0]):
        position, end = ends[i] + 1, ends[i + 1]
        head = heads[i]
        value, position = take_varint(data, position, end)
        low = np.int64(unzigzag(value))
        value, position = take_varint(data, position, end)
        head[OPEN] = low + np.int64(value)
        value, position = take_varint(data, position, end)
        head[CLOSE] = low + np.int64(value)
        value, position = take_varint(data, position, end)
        head[DELTA_MIN] = np.int64(unzigzag(value))
        value, position = take_varint(data, position, end)
        head[DELTA_MAX] = np.int64(unzigzag(value))
        _, position = take_varint(data, position, end)
        before = low - 1
        for j in range(starts[i], starts[i + 1]):
            value, position = take_varint(data, position, end)
            if position < 0:
                return i
            before += np.int64(value) + 1
            rows[j, 0] = before
            for column in range(1, 4):
                value, position = take_varint(data, position, end)
                if position < 0:
                    return i
                rows[j, column] = np.int64(value)
            head[DELTA] += rows[j, 2] - rows[j, 1]
            head[VOLUME] += rows[j, 2] + rows[j, 1]
        head[LOW], head[HIGH] = low, before
        if position != end:
            return i
    return -1
