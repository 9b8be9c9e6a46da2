"""The result of every measure: a value, or the reason why there is none."""

from dataclasses import dataclass

import numpy as np

Interval = tuple[float, float]
FloatArray = np.ndarray[tuple[int], np.dtype[np.float64]]
IntArray = np.ndarray[tuple[int], np.dtype[np.int64]]
FloatMatrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]
IntMatrix = np.ndarray[tuple[int, int], np.dtype[np.int64]]
NumberArray = FloatArray | IntArray
BoolArray = np.ndarray[tuple[int], np.dtype[np.bool_]]


class RefusedError(ValueError):
    """The series cannot be measured; the message is the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """One measure of one series of `n` points. `value` is None exactly when `reason` says why.

    `interval` is the 95 % interval of the estimate, `null_band` the 95 % band in which the
    value would fall for a series without memory of the same length.
    """

    value: float | None
    reason: str | None = None
    n: int = 0
    interval: Interval | None = None
    null_band: Interval | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RollingEstimate:
    """A measure over windows of a series: `values[i]` is that of series[ends[i] - window:ends[i]].

    `valid[i]` is False where the window was refused; its value is then 0 and means nothing.
    """

    window: int
    ends: IntArray
    values: FloatArray
    valid: BoolArray
