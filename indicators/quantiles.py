"""Quantiles of 95 % intervals and of tests."""

from typing import Final

NORMAL_97_5: Final = 1.959964


def student_97_5(freedom: float) -> float:
    """Return the 97.5 % quantile of Student's t with `freedom` degrees of freedom, 3 or more.

    The expansion around the normal quantile (Abramowitz & Stegun 26.7.5), to 0.03,
    with 4 or more to 0.01.
    """
    z = NORMAL_97_5
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + (first + (second + third / freedom) / freedom) / freedom
