from decimal import Decimal

import numpy as np
import pytest

from indicators.estimate import RefusedError
from indicators.series import finite_series


class Uncountable:
    def __float__(self):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        (1.0, 2.0, 3.0),
        [Decimal(1), Decimal(2), Decimal(3)],
        np.array([1, 2, 3], dtype=np.int32),
        np.array([1, 2, 3], dtype=np.float32),
        np.array([1, 0, 2, 0, 3, 0])[::2],
        range(1, 4),
    ],
    ids=lambda values: type(values).__name__,
)
def test_every_container_of_numbers_gives_the_same_series(values):
    series = finite_series(values)
    assert series.dtype == np.float64
    assert series.flags.c_contiguous
    assert series.tolist() == [1.0, 2.0, 3.0]


def test_float64_is_not_copied():
    values = np.arange(3.0)
    series = finite_series(values)
    assert np.shares_memory(series, values)
    assert not series.flags.writeable
    assert values.flags.writeable


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "empty"),
        ([[1.0, 2.0]], "1 dimension, not 2"),
        (5, "1 dimension, not 0"),
        (["1", "2"], "real numbers"),
        ("12", "real numbers"),
        ([1, "2", None], "real numbers"),
        ([1.0, None], "at position 1"),
        ([[1], [1, 2]], "real numbers"),
        ([1j, 2], "real numbers, not complex128"),
        (None, "1 dimension, not 0"),
        ([0.0, 1.0, float("nan")], "nan at position 2"),
        ([0.0, float("-inf")], "-inf at position 1"),
        ([Decimal(1), Decimal("NaN")], "nan at position 1"),
        ([10**400, 1], "real numbers"),
        ([np.ma.masked, 1.0], "real numbers"),
        (np.ma.masked_array([1j, 2], mask=[False, True]), "real numbers, not complex128"),
        (np.ma.masked_array(["1", "2"], mask=[False, True]), "real numbers, not <U1"),
        (np.array([np.complex64(1)], dtype=object), "real numbers"),
        (np.array([np.timedelta64(1, "s")], dtype=object), "real numbers"),
        ([Uncountable()], "real numbers"),
    ],
    ids=range(20),
)
def test_invalid_series_are_rejected_with_the_reason(values, reason):
    with pytest.raises(RefusedError, match=reason):
        finite_series(values)


def test_finite_numbers_whose_sum_overflows_are_a_series():
    assert finite_series([1.7e308, 1.7e308]).size == 2


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_integers_far_from_0_keep_their_distances(dtype):
    whole = [2**62 + x for x in (0, 1, 3, -5, 2**61)]
    assert finite_series(np.array(whole, dtype)).tolist() == [0.0, 1.0, 3.0, -5.0, 2.0**61]
    ends = np.array([np.iinfo(dtype).max, np.iinfo(dtype).min, 7], dtype)
    assert finite_series(ends).tolist() == [0.0, -(2.0**64), 7.0 - float(ends[0])]
