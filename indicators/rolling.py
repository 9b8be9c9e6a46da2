"""Rolling windows over a series."""

import numpy as np

from indicators.estimate import IntArray, RefusedError


def rolling_ends(size: int, window: int, step: int) -> IntArray:
    """Return where the windows of a series end (exclusive); refuse one shorter than a window."""
    if step < 1:
        raise ValueError(f"step {step}: use 1 or more")
    if window < 1:
        raise ValueError(f"window {window}: use 1 or more")
    if size < window:
        raise RefusedError(f"{size} points are fewer than one window of {window}")
    return np.arange(window, size + 1, step, dtype=np.int64)
