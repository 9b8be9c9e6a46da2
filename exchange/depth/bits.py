"""Varints and bit fields in arrays of bytes. Pure, for kernels.

Numbers are unsigned 64-bit integers, because Numba turns a mixture with signed ones into floats.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from exchange.engine.kernel import inlined

Bytes = NDArray[np.uint8]
Int = int | np.signedinteger[Any]

ZERO: Final = np.uint64(0)
ONE: Final = np.uint64(1)
SEVEN: Final = np.uint64(7)
LOW_BITS: Final = np.uint64(127)


@inlined
def put_varint(out: Bytes, position: Int, value: np.uint64) -> Int:
    while value > LOW_BITS:
        out[position] = np.uint8(value & LOW_BITS) | np.uint8(128)
        value >>= SEVEN
        position += 1
    out[position] = np.uint8(value)
    return position + 1


@inlined
def take_varint(data: Bytes, position: Int, end: Int) -> tuple[np.uint64, Int]:
    """Return a number and the position after it, -1 if it is cut off or needs over 64 bits."""
    value = ZERO
    for shift in range(0, 64, 7):
        if position >= end:
            break
        byte = np.uint64(data[position])
        position += 1
        value |= (byte & LOW_BITS) << np.uint64(shift)
        if byte <= LOW_BITS:
            return value, position
    return ZERO, -1


@inlined
def put_bits(out: Bytes, bit: Int, value: np.uint64, width: Int) -> Int:
    """Write the low `width` bits of `value`, lowest first, into zeroed bytes."""
    while width > 0:
        offset = bit & 7
        taken = min(8 - offset, width)
        part = np.int64(value & np.uint64((1 << taken) - 1))
        out[bit >> 3] |= np.uint8(part << offset)
        value >>= np.uint64(taken)
        bit += taken
        width -= taken
    return bit


@inlined
def take_bits(data: Bytes, bit: Int, width: Int) -> np.uint64:
    value = ZERO
    read: Int = 0
    while read < width:
        offset = bit & 7
        taken = min(8 - offset, width - read)
        part = (np.int64(data[bit >> 3]) >> offset) & ((1 << taken) - 1)
        value |= np.uint64(part) << np.uint64(read)
        bit += taken
        read += taken
    return value


@inlined
def width(bits: np.uint64) -> Int:
    found: Int = 0
    while bits > ZERO:
        bits >>= ONE
        found += 1
    return found


@inlined
def zigzag(value: Int) -> np.uint64:
    return (np.uint64(value) << ONE) ^ np.uint64(value >> 63)


@inlined
def unzigzag(value: np.uint64) -> np.uint64:
    """Return the number as unsigned bits, whose sums wrap around."""
    return (value >> ONE) ^ (ZERO - (value & ONE))
