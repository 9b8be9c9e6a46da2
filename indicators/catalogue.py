"""The catalogue: one entry per measure. Scans, the API and the pages read it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import sqrt
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple

from indicators import costs, entropy_nulls, hurst_nulls
from indicators.entropy import permutation_entropy, rolling_entropy
from indicators.estimate import Estimate, Interval, RefusedError, RollingEstimate
from indicators.hurst import hurst_exponent, hurst_windows, rolling_hurst
from indicators.persistence import persistence, rolling_persistence
from indicators.variance_ratio import rolling_variance_ratio, variance_ratio
from market.integers import parse_integer

Value = int | bool | None
DEFAULT_N: Final = 2_000
PRICES: Final = ("closes", "ticks")
MOST_POINTS: Final = 100_000


class ParameterError(ValueError):
    """A parameter is unknown or out of range; `name` is the parameter's."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Parameter:
    name: str
    kind: Literal["integer", "boolean"] = "integer"
    default: Value
    minimum: int | None = None
    maximum: int | None = None
    help: str

    def read(self, given: object) -> Value:
        """Return `given` (text of a query or a JSON value) as a value; raise ParameterError."""
        text = str(given).strip().lower()
        if text in {"", "none", "null"} and self.default is None:
            return None
        if self.kind == "boolean":
            if text not in {"true", "false", "1", "0"}:
                raise ParameterError(self.name, f"{given!r} is neither true nor false")
            return text in {"true", "1"}
        try:
            return parse_integer(text, self.minimum or 0, self.maximum or MOST_POINTS)
        except ValueError as error:
            raise ParameterError(self.name, str(error)) from None


UNITS: Final = 500
"""Units of work in a microsecond."""


class Cost(NamedTuple):
    """Microseconds to measure a series, fixed and per point (benchmarks/pool.py).

    `reading`: to read a point from the database.
    """

    fixed: float
    per_point: float
    reading: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """`reads`: 1-minute closes, the prices of single ticks, or points that a higher app provides.

    `null_value`: without memory, None if that is not known. `domain` is what the width of its small
    drawing stands for. `estimates_phi`: its value estimates the mean phi of the window.
    `estimates_truth`: it estimates the true value that its readings have (phi, or its own exact
    value), so pages show it against that.
    """

    name: str
    title: str
    help: str
    reads: str = "closes"
    null_value: float | None
    domain: tuple[float, float]
    estimates_phi: bool = False
    estimates_truth: bool = False
    cost: Cost
    parameters: tuple[Parameter, ...]
    compute: Callable[..., Estimate]
    rolling: Callable[..., RollingEstimate]
    null_band: Callable[..., Interval | None]
    """Of n points, by the parameters alone."""
    null_band_of: Callable[[Any], Interval | None] = attrgetter("null_band")
    """Of an estimate, which may use the series too."""

    @property
    def reads_prices(self) -> bool:
        """Whether it measures the prices that every instrument has."""
        return self.reads in PRICES

    def read(self, given: Mapping[str, object]) -> dict[str, Value]:
        """Return all parameters, those that are not given at their defaults."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                right = ", ".join(known)
                raise ParameterError(name, f"is no parameter of {self.name}; there are: {right}")
        return {
            name: parameter.read(given[name]) if name in given else parameter.default
            for name, parameter in known.items()
        }

    def measure(self, values: Any, parameters: Mapping[str, Value]) -> Estimate:
        """Return the estimate of the newest n of `values`; raise ParameterError."""
        n, rest = _parted(parameters)
        try:
            return self.compute(values[-n:], **rest)
        except ValueError as error:
            raise ParameterError(*_blamed(error, rest)) from error

    def roll(self, values: Any, parameters: Mapping[str, Value], step: int) -> RollingEstimate:
        """Return the measure over windows of n; raise RefusedError or ParameterError."""
        n, rest = _parted(parameters)
        try:
            return self.rolling(values, n, step, **rest)
        except RefusedError:
            raise
        except ValueError as error:
            raise ParameterError(*_blamed(error, rest)) from error

    def band(self, parameters: Mapping[str, Value]) -> Interval | None:
        """Return the 95 % band of n points without memory; None where there is none."""
        n, rest = _parted(parameters)
        return self.null_band(n, **rest)

    def described(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "help": self.help,
            "reads": self.reads,
            "null_value": self.null_value,
            "parameters": [asdict(parameter) for parameter in self.parameters],
        }


def parameters_key(parameters: Mapping[str, Value]) -> str:
    """Return the canonical text of `parameters`."""
    return json.dumps(parameters, sort_keys=True, separators=(",", ":"))


def _parted(parameters: Mapping[str, Value]) -> tuple[int, dict[str, Value]]:
    rest = dict(parameters)
    return int(rest.pop("n") or 0), rest


def _blamed(error: ValueError, parameters: Mapping[str, Value]) -> tuple[str, str]:
    """Return which parameter an error of a measure names first, and the error."""
    name = str(error).partition(" ")[0]
    return (name if name in parameters else "n"), str(error)


def _hurst_band(n: int, corrected: bool, **windows: Any) -> Interval | None:
    sizes = hurst_windows(n - 1, **windows)
    return None if sizes is None else hurst_nulls.null_band(n - 1, sizes, corrected)


def _entropy_band(n: int, m: int, tau: int) -> Interval | None:
    return entropy_nulls.walk_band(n - (m - 1) * tau, m, tau)


def _persistence_band(n: int) -> Interval | None:
    return (-1.96 / sqrt(n - 2), 1.96 / sqrt(n - 2)) if n > 2 else None


def _variance_ratio_band(n: int, q: int) -> Interval | None:
    """Under constant variance; the band of an estimate does not assume it."""
    half = 1.96 * sqrt(2 * (2 * q - 1) * (q - 1) / (3 * q * n))
    return 1 - half, 1 + half


def _n(what: str, default: int = DEFAULT_N) -> Parameter:
    return Parameter(name="n", default=default, minimum=3, maximum=MOST_POINTS, help=what)


_ENTRIES: Final = (
    Indicator(
        name="persistence",
        title="Persistence",
        help="Autocorrelation of the signs of successive steps, tick by tick: the estimator of "
        "phi. 0 for a fair coin.",
        reads="ticks",
        null_value=0.0,
        domain=(-1.0, 1.0),
        estimates_phi=True,
        estimates_truth=True,
        cost=Cost(19.0, 0.003),
        parameters=(_n("How many of the newest ticks.", default=500),),
        compute=persistence,
        rolling=rolling_persistence,
        null_band=_persistence_band,
    ),
    Indicator(
        name="hurst",
        title="Hurst exponent",
        help="Growth of the rescaled range R/S with the length of the window. About 0.5 without "
        "memory, above with persistence, below with mean reversion.",
        null_value=0.5,
        domain=(0.2, 0.8),
        cost=Cost(45.0, 0.013),
        parameters=(
            _n("How many of the newest 1-minute closes."),
            Parameter(name="min_points", default=500, minimum=20, help="Fewest increments."),
            Parameter(name="min_window", default=10, minimum=2, help="Shortest window."),
            Parameter(
                name="max_window", default=None, minimum=2, help="Longest window; half if empty."
            ),
            Parameter(
                name="num_windows", default=20, minimum=5, maximum=200, help="How many windows."
            ),
            Parameter(
                name="corrected",
                kind="boolean",
                default=False,
                help="Correct the bias of short windows (Anis-Lloyd/Peters).",
            ),
        ),
        compute=hurst_exponent,
        rolling=rolling_hurst,
        null_band=_hurst_band,
    ),
    Indicator(
        name="entropy",
        title="Permutation entropy",
        help="Shannon entropy of the ordinal patterns of m closes, between 0 and 1. Lower with "
        "order; a random walk has 0.967 for m = 3, white noise 1.",
        null_value=entropy_nulls.walk_entropy(3),
        domain=(0.85, 1.0),
        cost=Cost(40.0, 0.001),
        parameters=(
            _n("How many of the newest 1-minute closes."),
            Parameter(name="m", default=3, minimum=2, maximum=7, help="Points per pattern."),
            Parameter(name="tau", default=1, minimum=1, maximum=10_000, help="Their distance."),
        ),
        compute=permutation_entropy,
        rolling=rolling_entropy,
        null_band=_entropy_band,
        null_band_of=attrgetter("walk_band"),
    ),
    Indicator(
        name="variance_ratio",
        title="Variance ratio",
        help="Variance of q-minute changes over q times that of 1-minute changes (Lo-MacKinlay). "
        "1 without memory, above with persistence, below with mean reversion.",
        null_value=1.0,
        domain=(0.4, 1.6),
        cost=Cost(60.0, 0.004),
        parameters=(
            _n("How many of the newest 1-minute closes."),
            Parameter(name="q", default=5, minimum=2, maximum=1_000, help="Minutes per change."),
        ),
        compute=variance_ratio,
        rolling=rolling_variance_ratio,
        null_band=_variance_ratio_band,
    ),
)
CATALOGUE: Final = {indicator.name: indicator for indicator in _ENTRIES}
"""By name, in the order of presentation."""


def register(*indicators: Indicator) -> None:
    """Add the measures of a higher app, once; their names must be new."""
    for indicator in indicators:
        if indicator.name in CATALOGUE:
            raise ValueError(f"measure {indicator.name!r} is in the catalogue already")
        CATALOGUE[indicator.name] = indicator
        work = (round(microseconds * UNITS) for microseconds in indicator.cost)
        costs.REGISTERED[indicator.name] = costs.Work(*work)


def of_prices() -> list[Indicator]:
    """Return the measures of prices, which every instrument has."""
    return [indicator for indicator in CATALOGUE.values() if indicator.reads_prices]
