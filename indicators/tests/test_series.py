from decimal import Decimal

import numpy as np
import pytest

from indicators.estimate import RefusedError
from indicators.series import finite_series

pytestmark = pytest.mark.anywhere


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
def test_every_container_of_numbers_is_the_same_series(values):
    series = finite_series(values)
    assert series.dtype == np.float64
    assert series.flags.c_contiguous
    assert series.tolist() == [1.0, 2.0, 3.0]


def test_float64_is_not_copied():
    values = np.arange(3.0)
    assert finite_series(values) is values


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
    ],
)
def test_what_is_no_series_is_refused_with_the_reason(values, reason):
    with pytest.raises(RefusedError, match=reason):
        finite_series(values)


def test_finite_numbers_whose_sum_overflows_are_a_series():
    assert finite_series([1.7e308, 1.7e308]).size == 2
