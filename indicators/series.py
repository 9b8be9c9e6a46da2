"""The one door through which numbers come to a measure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from indicators.estimate import FloatArray, RefusedError

Series = Sequence[Any] | np.ndarray[Any, Any]


def finite_series(values: Series) -> FloatArray:
    """Return `values` as contiguous float64, not copied when they are that already.

    Raises RefusedError for anything that is not a 1-D series of finite real numbers; the
    message names the shape, the type or the position that is wrong.
    """
    array = _numbers(values)
    if array.ndim != 1:
        raise RefusedError(f"the series must have 1 dimension, not {array.ndim}")
    if array.size == 0:
        raise RefusedError("the series is empty")
    floats = np.ascontiguousarray(array, dtype=np.float64)
    if not (np.isfinite(floats.min()) and np.isfinite(floats.max())):  # both propagate NaN
        position = int(np.flatnonzero(~np.isfinite(floats))[0])
        raise RefusedError(f"the series has {floats[position]} at position {position}")
    return floats


def _numbers(values: Series) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":
            if any(isinstance(value, str | bytes | complex) for value in array.flat):
                raise TypeError
            array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise RefusedError("the series must hold real numbers") from None
    if array.dtype.kind not in "iufb":
        raise RefusedError(f"the series must hold real numbers, not {array.dtype}")
    return array
