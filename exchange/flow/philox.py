"""Random numbers by position: Philox4x64-10 for kernels.

Every counter value gives four 64-bit numbers, the same ones as numpy.random.Philox (Salmon et al.,
"Parallel random numbers: as easy as 1, 2, 3", SC 2011). A draw is named by its counter (number,
slot, lane, place), so that no draw depends on how many were made before it.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from exchange.engine.kernel import kernel, routine
from market.compiling import intrinsic
from quotes.law.randomwalk import generator

Key = npt.NDArray[np.uint64]

MULTIPLIER_0 = np.uint64(0xD2E7470EE14C6C93)
MULTIPLIER_1 = np.uint64(0xCA5A826395121157)
WEYL_0 = np.uint64(0x9E3779B97F4A7C15)
WEYL_1 = np.uint64(0xBB67AE8584CAA73B)
ROUNDS = 10
ELEVEN = np.uint64(11)
ULP = 2.0**-53

LARGEST_MEAN = 700.0
"""Of `poisson`: exp(-mean) is a normal number up to there."""
SMALLEST_TERM = 2.0**-60


def stream_key(seed: int, symbol: str, stream: str) -> Key:
    """Return the key of one instrument's stream, the one that `generator` uses."""
    state: Any = generator(seed, symbol, stream).bit_generator.state
    key: Key = state["state"]["key"].copy()
    return key


@intrinsic
def _multiply_high(typing_context: Any, a: Any, b: Any) -> Any:
    """Return the upper 64 bits of the product of two uint64."""
    from llvmlite import ir  # the compiler is loaded when it is needed
    from numba import types

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(values[0], wide), builder.zext(values[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), codegen


multiply_high: Any = _multiply_high


@routine
def philox(key: Key, number: int, slot: int, lane: int, place: int) -> Any:
    """Return the four uint64 of one counter value."""
    a, b = np.uint64(number), np.uint64(slot)
    c, d = np.uint64(lane), np.uint64(place)
    key_0, key_1 = key[0], key[1]
    for _ in range(ROUNDS):
        high_0, low_0 = multiply_high(MULTIPLIER_0, a), MULTIPLIER_0 * a
        high_1, low_1 = multiply_high(MULTIPLIER_1, c), MULTIPLIER_1 * c
        a, b, c, d = high_1 ^ b ^ key_0, low_1, high_0 ^ d ^ key_1, low_0
        key_0 += WEYL_0
        key_1 += WEYL_1
    return a, b, c, d


@routine
def uniforms(key: Key, number: int, slot: int, lane: int, place: int) -> Any:
    """Return four uniform numbers in [0, 1), made as numpy.random.Generator.random makes them."""
    a, b, c, d = philox(key, number, slot, lane, place)
    return (
        np.float64(a >> ELEVEN) * ULP,
        np.float64(b >> ELEVEN) * ULP,
        np.float64(c >> ELEVEN) * ULP,
        np.float64(d >> ELEVEN) * ULP,
    )


@kernel
def draw(key: Key, number: int, slot: int, lane: int, place: int) -> Any:
    """Return `uniforms` to Python."""
    return uniforms(key, number, slot, lane, place)


@routine
def poisson(mean: float, uniform: float) -> Any:
    """Return the Poisson quantile of `uniform`; `mean` counts as LARGEST_MEAN if it is larger.

    The inverse distribution function takes one uniform whatever the mean, so a different mean
    shifts no other draw.
    """
    mean = min(mean, LARGEST_MEAN)
    count = 0
    term = math.exp(-mean)
    total = term
    while uniform >= total and (count < mean or term > SMALLEST_TERM):
        count += 1
        term *= mean / count
        total += term
    return np.int64(count)


@routine
def geometric(scale: float, uniform: float) -> Any:
    """Return an exponential time in whole units, at least 1: the size of an order in lots.

    `scale` is `scale_of_mean(mean)`; the mean is exact.
    """
    return 1 + np.int64(-scale * math.log(1.0 - uniform))


def scale_of_mean(mean: float) -> float:
    """Return the scale of the exponential time that has `mean` (>= 1) once rounded up."""
    return 0.0 if mean == 1 else -1 / math.log1p(-1 / mean)
