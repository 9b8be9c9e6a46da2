"""The law of the simulated market: a sign walk on the tick lattice (docs/law.md).

With s[t] = +1 or -1 the direction of step t and phi the persistence,

    P(s[t+1] = s[t]) = (1 + phi) / 2,        ticks[t+1] = ticks[t] + s[t+1]

The price is reflected at one tick: a step that would reach 0 goes to 2 instead. One uniform
number decides one step, so the scalar `step` and the vectorised `walk` give the same ticks from
the same generator.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

LARGEST_PHI = 0.8
DRAWS_PER_BLOCK = 4  # Philox generates four 64-bit numbers per counter value


class WalkState(NamedTuple):
    """State of a walk: the price in ticks (>= 1) and the last direction, +1 or -1."""

    ticks: int
    direction: int


def step(state: WalkState, phi: float, uniform: float) -> WalkState:
    """Return the state after one step; `uniform` in [0, 1) decides whether the direction turns."""
    direction = state.direction if uniform < (1 + phi) / 2 else -state.direction
    if state.ticks + direction < 1:
        direction = 1
    return WalkState(state.ticks + direction, direction)


def walk(
    n: int,
    phi: ArrayLike,
    rng: np.random.Generator,
    start_ticks: int = 20_000,
    direction: int = 1,
) -> tuple[NDArray[np.int64], int]:
    """Walk `n` steps; return the ticks after each step, shape (n,) int64, and the last direction.

    `phi` in [-1, 1] is the persistence, a scalar or one per step, shape (n,). `direction`, +1 or
    -1, is that of the step before the first. Raise ValueError for other arguments.

    Reflection needs no loop: the draws alone decide the turns, so the reflected walk is the
    unreflected walk mirrored about one tick.
    """
    if n < 0:
        raise ValueError(f"n = {n}: the number of steps must be at least 0")
    if start_ticks < 1:
        raise ValueError(f"start_ticks = {start_ticks}: a price must be at least 1 tick")
    if direction not in (-1, 1):
        raise ValueError(f"direction = {direction}: use 1 (up) or -1 (down)")
    persistence = np.asarray(phi, dtype=np.float64)
    if persistence.shape not in ((), (n,)):
        raise ValueError(f"phi has shape {persistence.shape}: use a scalar or shape ({n},)")
    if not np.all(np.abs(persistence) <= 1):
        raise ValueError(f"phi = {phi!r}: persistence must lie in [-1, 1]")
    if n == 0:
        return np.empty(0, dtype=np.int64), direction
    turns = rng.random(n) >= (1 + persistence) / 2
    turned = np.logical_xor.accumulate(turns)
    free = np.cumsum(np.where(turned, -direction, direction), dtype=np.int64)
    free += start_ticks
    last = -direction if turned[-1] else direction
    if free.min() >= 1:
        return free, last
    mirrored = np.abs(free - 1) + 1
    previous = int(mirrored[-2]) if n > 1 else start_ticks
    return mirrored, int(mirrored[-1]) - previous


def generator(seed: int, symbol: str, stream: str, skip: int = 0) -> np.random.Generator:
    """Return the generator of one instrument's `stream` of uniforms, advanced by `skip` draws.

    Philox is counter-based, so advancing takes constant time and a restart resumes at any tick.
    The key is a hash of (seed, symbol, stream), so instruments are independent of each other.
    """
    key = hashlib.sha256(f"{seed}:{symbol}:{stream}".encode()).digest()[:16]
    bits = np.random.Philox(key=np.frombuffer(key, dtype="<u8"))
    blocks, rest = divmod(skip, DRAWS_PER_BLOCK)
    bits.advance(blocks)
    rng = np.random.Generator(bits)
    rng.random(rest)
    return rng


@dataclass(frozen=True)
class RegimeLaw:
    """The distribution of regime durations in simulated seconds: `floor_s` + an exponential time.

    `mean_s` is the mean of the whole duration. Raise ValueError unless 0 <= floor_s < mean_s.
    """

    mean_s: float = 300.0
    floor_s: float = 30.0

    def __post_init__(self) -> None:
        if not 0 <= self.floor_s < self.mean_s:
            raise ValueError(
                f"regimes of mean {self.mean_s} s and floor {self.floor_s} s: "
                "the mean must exceed the floor, and the floor must be at least 0"
            )


class RegimeSpan(NamedTuple):
    """One regime: phi holds for steps [first, end). Steps and `number` count from 0."""

    phi: float
    first: int
    end: int
    number: int


DRAWS_PER_REGIME = 2


def regime_spans(
    rng: np.random.Generator,
    interval_s: float,
    law: RegimeLaw | None = None,
    first: int = 0,
    number: int = 0,
) -> Iterator[RegimeSpan]:
    """Yield the endless schedule of regimes of one instrument, drawn from `rng`.

    phi is uniform on [-0.8, 0.8]. Durations are rounded up to whole steps of `interval_s`, so
    every regime contains at least one tick. To resume at regime `number`, which begins at step
    `first`, advance `rng` by number * DRAWS_PER_REGIME draws.
    """
    law = law or RegimeLaw()
    while True:
        phi = float(rng.uniform(-LARGEST_PHI, LARGEST_PHI))
        duration_s = law.floor_s - (law.mean_s - law.floor_s) * float(np.log1p(-rng.random()))
        end = first + max(1, int(np.ceil(duration_s / interval_s)))
        yield RegimeSpan(phi, first, end, number)
        first, number = end, number + 1
