"""Validation and conversion of the series that measures read."""

import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Any, Final, TypeVar

import numpy as np

from indicators.estimate import FloatArray, IntArray, NumberArray, RefusedError
from market.compiling import njit

Series = Sequence[Any] | np.ndarray[Any, Any]
AnyNumbers = TypeVar("AnyNumbers", FloatArray, IntArray)

FAR: Final = 2**40
"""Integers that begin beyond are counted from their first one: an offset costs no digits."""
NO_NUMBERS: Final = (str, bytes, bytearray, complex, np.datetime64, np.timedelta64)
"""Types that NumPy would convert to float but that are not real numbers."""


def finite_series(values: Series) -> FloatArray:
    """Return `values` as contiguous float64, not copied when they are that already, read-only.

    Integers that begin far from 0 are counted from the first one. Raises RefusedError for
    anything that is not a 1-D series of finite real numbers; the message names the shape, the
    type or the position that is wrong.
    """
    array = _series(values)
    if array.dtype.kind in "iu" and abs(int(array[0])) > FAR:
        return _from_first(array)
    floats = _floats(array)
    refuse_not_finite(floats)
    return floats


def ordered_series(values: Series) -> NumberArray:
    """Return `values` as `finite_series` does, but integers as int64: each keeps its order.

    (Beyond 2**53 different integers are one float64.)
    """
    series = comparable_series(values)
    if series.dtype.kind == "f":
        refuse_not_finite(series)
    return series


def comparable_series(values: Series) -> NumberArray:
    """Return `ordered_series`, but leave it to the caller to refuse what is not finite."""
    array = _series(values)
    if array.dtype.kind not in "iu":
        return _floats(array)
    if array.dtype == np.uint64:  # moved down by 2**63, so that all of it fits
        return read_only(np.ascontiguousarray(array ^ np.uint64(2**63)).view(np.int64))
    return read_only(np.ascontiguousarray(array, dtype=np.int64))


def read_only(series: AnyNumbers) -> AnyNumbers:
    """Return a view of a series that cannot be written.

    Kernels are compiled for such series alone: once more for others would take seconds.
    """
    view = series.view()
    view.setflags(write=False)
    return view


def scaled(floats: FloatArray) -> FloatArray:
    """Return the series, scaled by a power of 2 where its squares would overflow or vanish."""
    exponent = int(np.frexp(max(floats.max(), -floats.min()))[1])
    return floats if abs(exponent) < 500 else read_only(np.ldexp(floats, -exponent))


def check_whole(**parameters: object) -> None:
    """Raise ValueError for a parameter that is not a whole number."""
    for name, value in parameters.items():
        if not isinstance(value, Integral):
            raise ValueError(f"{name} {value!r}: use a whole number")


def length(values: Series) -> int:
    """Return the number of points of `values`; 0 for an object without a length."""
    try:
        return len(values)
    except Exception:  # an object may raise anything here
        return 0


def _series(values: Series) -> np.ndarray[Any, Any]:
    array = _numbers(values)
    if array.ndim != 1:
        raise RefusedError(f"the series must have 1 dimension, not {array.ndim}")
    if array.size == 0:
        raise RefusedError("the series is empty")
    return array


def _floats(array: np.ndarray[Any, Any]) -> FloatArray:
    with np.errstate(over="ignore"):  # what is too large for a float64 becomes inf
        return read_only(np.ascontiguousarray(array, dtype=np.float64))


def refuse_not_finite(series: NumberArray) -> None:
    if not all_finite(series):
        position = int(np.flatnonzero(~np.isfinite(series))[0])
        raise RefusedError(f"the series has {series[position]} at position {position}")


@njit(cache=True, nogil=True)
def all_finite(series: NumberArray) -> bool:
    wrong = 0
    for i in range(series.size):  # without a branch, so that the processor does many at once
        wrong += (series[i] - series[i]) != 0
    return wrong == 0


def _from_first(whole: np.ndarray[Any, Any]) -> FloatArray:
    """Return integers of 64 bits less the first, by halves: no difference overflows."""
    high, low = whole >> 32, whole & 0xFFFFFFFF
    highs, lows = (half.astype(np.float64) - float(half[0]) for half in (high, low))
    return read_only(highs * 2.0**32 + lows)


def _numbers(values: Series) -> np.ndarray[Any, Any]:
    if isinstance(values, np.ndarray) and values.dtype.kind not in "iufbO":
        raise RefusedError(f"the series must hold real numbers, not {values.dtype}")
    try:
        array = _converted(values)
    except Exception:  # an object may raise anything when it is converted
        raise RefusedError("the series must hold real numbers") from None
    if array.dtype.kind not in "iufb":
        raise RefusedError(f"the series must hold real numbers, not {array.dtype}")
    return array


def _converted(values: Series) -> np.ndarray[Any, Any]:
    if type(values) is np.ndarray and values.dtype.kind != "O":
        return values
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a value that converts with a warning is not a number
        if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
            values = np.ma.filled(values.astype(np.float64), np.nan)
        array = np.asarray(values)
        if array.dtype.kind == "O":
            if any(isinstance(value, NO_NUMBERS) for value in array.flat):
                raise TypeError
            array = array.astype(np.float64)
        return array
