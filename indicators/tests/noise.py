"""Series whose memory is known exactly."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quotes.law.randomwalk import regime_spans, walk


def fractional_gaussian_noise(
    exponent: float, n: int, runs: int, rng: np.random.Generator
) -> NDArray[Any]:
    """Return `runs` x `n` draws with Hurst exponent `exponent`, unit variance.

    Exact, by circulant embedding (Davies & Harte 1987; Wood & Chan 1994).
    """
    k = np.arange(n + 1)
    covariance = 0.5 * (
        np.abs(k + 1) ** (2 * exponent) - 2 * k ** (2 * exponent) + np.abs(k - 1) ** (2 * exponent)
    )
    circle = np.concatenate([covariance, covariance[-2:0:-1]])
    eigenvalues = np.fft.fft(circle).real
    assert eigenvalues.min() > -1e-9
    m = circle.size
    noise = rng.standard_normal((runs, m)) + 1j * rng.standard_normal((runs, m))
    return np.fft.fft(np.sqrt(np.maximum(eigenvalues, 0) / m) * noise, axis=1).real[:, :n]


def recorded_walk(n: int, phi: float, rng: np.random.Generator) -> NDArray[Any]:
    """Return `n` signs, each like the one before with probability (1 + phi) / 2."""
    repeats = rng.random(n) < (1 + phi) / 2
    return np.cumprod(np.where(repeats, 1, -1))


def law_path(
    n: int, rng: np.random.Generator, interval_s: float = 1.0
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return (prices, phi) of `n` ticks of the market's law, from within a regime on."""
    first = int(rng.integers(0, 2_000))
    phis, lengths = [], []
    for span in regime_spans(rng, interval_s):
        phis.append(span.phi)
        lengths.append(span.end - span.first)
        if span.end >= first + n:
            break
    phi = np.repeat(phis, lengths)[first : first + n]
    return walk(n, phi, rng, start_ticks=10**9)[0], phi
