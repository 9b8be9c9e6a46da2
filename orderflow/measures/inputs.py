"""Validation of what the measures read."""

import numpy as np
from numpy.typing import NDArray

from indicators.estimate import FloatArray, RefusedError
from indicators.series import Series, finite_series, length

Sides = NDArray[np.int64]


def numbers(name: str, values: Series, n: int | None = None) -> FloatArray:
    """Return `values` as float64, shape (n,); empty ones too.

    Raise ValueError if there are not `n`, and RefusedError for values that are not finite numbers.
    """
    if n is not None and length(values) != n:
        raise ValueError(f"{name} has {length(values)} values: use {n}, one for each of the others")
    return finite_series(values) if length(values) else np.empty(0)


def sides(values: Series) -> Sides:
    """Return the sides of trades, 1 (buy) or -1 (sell); raise RefusedError for other values."""
    read = numbers("sides", values)
    wrong = np.abs(read) != 1
    if wrong.any():
        position = int(np.argmax(wrong))
        raise RefusedError(f"side {read[position]:g} at position {position}: use 1 or -1")
    return read.astype(np.int64)


def quantities(values: Series, n: int) -> FloatArray:
    """Return the quantities of n trades; raise RefusedError for one that is not positive."""
    read = numbers("lots", values, n)
    if (read <= 0).any():
        position = int(np.argmax(read <= 0))
        raise RefusedError(f"{read[position]:g} lots at position {position}: use more than 0")
    return read


def refuse_few(found: int, needed: int, what: str) -> None:
    """Raise RefusedError unless there are at least `needed`."""
    if found < needed:
        raise RefusedError(f"{found} {what} are too few: use at least {needed}")
