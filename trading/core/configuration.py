"""What a bot is configured with: strategy, instruments and limits. Pure.

Users write money and shares as decimals; inside, money is in MONEY_UNITS and shares are ppm.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from exchange.clearing.money import PPM
from exchange.kinds import MONEY_UNITS
from market.quoting import quoted
from trading.core.chasing import Chase
from trading.core.risk.limits import Limits
from trading.core.strategies.catalogue import STRATEGIES
from trading.core.strategies.strategy import Parameter, Strategy

FIELDS: Final = (
    "strategy", "symbols", "parameters", "limits", "interval_s", "venue_symbols", "chase",
)  # fmt: skip
MOST_SYMBOLS: Final = 50
LONGEST_NAME: Final = 64
SHORTEST_S: Final = 0.05
LONGEST_S: Final = 3_600.0
LARGEST: Final = Decimal(10**9)
CHASE: Final[Mapping[str, Parameter]] = {
    "most_moves": Parameter(20, 0, 10_000, "How often an order follows the price.", is_whole=True),
    "most_ticks": Parameter(50, 0, 1e9, "How far it follows, in ticks.", is_whole=True),
    "longest_s": Parameter(10, 0.1, LONGEST_S, "How long it may wait."),
    "crosses": Parameter(1, 0, 1, "1: take at the end; 0: give up for as long.", is_whole=True),
}
MONEY: Final = {name: name for name in ("max_exposure", "min_order")}
SHARES: Final = {
    "max_drawdown": "max_drawdown_ppm",
    "max_correlated": "max_correlated_ppm",
    "max_heat": "max_heat_ppm",
    "kelly_cap": "kelly_cap_ppm",
}
LIMITS: Final = ("max_positions", *MONEY, *SHARES)
DEFAULT_LIMITS: Final[Mapping[str, Any]] = {
    "max_positions": 5,
    "max_exposure": 10_000,
    "min_order": 5,
    "max_drawdown": 0.2,
}


class ConfigurationError(ValueError):
    """A configuration is not valid; `errors` says what is wrong with which field."""

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        self.errors = {name: list(texts) for name, texts in errors.items()}
        super().__init__("; ".join(f"{name}: {' '.join(texts)}" for name, texts in errors.items()))


@dataclass(frozen=True, kw_only=True)
class Configuration:
    strategy: Strategy
    symbols: tuple[str, ...]
    limits: Limits
    interval_s: float
    """Between two decisions."""
    venue_symbols: Mapping[str, str]
    """What the venue calls each instrument."""
    chase: Chase
    """How an order on the way to a target follows the price."""


@dataclass
class Problems:
    """Collects what is wrong with each field."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def note(self, name: str, text: str) -> None:
        self.found.setdefault(name, []).append(text)

    def check(self) -> None:
        if self.found:
            raise ConfigurationError(self.found)


def parse(given: object, tradable: Collection[str]) -> Configuration:
    """Return a configuration from JSON; raise ConfigurationError, which names every problem."""
    problems = Problems()
    known = _members(given, "configuration", FIELDS, problems)
    problems.check()
    strategy = _strategy(known.get("strategy"), known.get("parameters", {}), problems)
    symbols = _symbols(known.get("symbols"), tradable, problems)
    limits = _limits({**DEFAULT_LIMITS, **_object(known, "limits", problems)}, problems)
    interval_s = _number(
        known.get("interval_s", 0.5), Parameter(0.5, SHORTEST_S, LONGEST_S, ""), problems,
        "interval_s",
    )  # fmt: skip
    chase = _chase(known.get("chase", {}), problems)
    names = _venue_symbols(known.get("venue_symbols", {}), symbols, problems)
    problems.check()
    assert strategy is not None and limits is not None  # noqa: S101, PT018  # checked
    return Configuration(
        strategy=strategy,
        symbols=symbols,
        limits=limits,
        interval_s=float(interval_s),
        venue_symbols=names,
        chase=chase,
    )


def venue_symbol(symbol: str) -> str:
    """Return what a venue calls an instrument that a feed records, e.g. BTCUSDT.BYBIT."""
    return symbol.partition(".")[0]


def parse_limits(given: object) -> Limits:
    """Return limits from JSON, none where a limit is missing; raise ConfigurationError."""
    problems = Problems()
    found = _limits(_members(given, "limits", LIMITS, problems), problems)
    problems.check()
    assert found is not None  # noqa: S101  # checked
    return found


def _strategy(name: object, values: object, problems: Problems) -> Strategy | None:
    kind = STRATEGIES.get(name) if isinstance(name, str) else None
    if kind is None:
        what = "is missing" if name is None else f"{quoted(str(name))} is not known"
        problems.note("strategy", f"{what}: use one of {', '.join(STRATEGIES)}")
        return None
    given = _members(values, "parameters", tuple(kind.parameters), problems)
    numbers = {
        each: _number(given.get(each, bounds.default), bounds, problems, f"parameters.{each}")
        for each, bounds in kind.parameters.items()
    }
    if problems.found:
        return None
    try:
        return kind.of(numbers)
    except ValueError as error:
        problems.note("parameters", str(error))
        return None


def _symbols(given: object, tradable: Collection[str], problems: Problems) -> tuple[str, ...]:
    if not isinstance(given, list) or not 0 < len(given) <= MOST_SYMBOLS:
        problems.note("symbols", f"must be a list of 1 to {MOST_SYMBOLS} symbols")
        return ()
    for symbol in given:
        if not isinstance(symbol, str) or symbol not in tradable:
            listed = ", ".join(tradable) or "there is none yet"
            problems.note("symbols", f"{quoted(str(symbol))} has no order book: use {listed}")
    if not problems.found and len(set(given)) < len(given):
        problems.note("symbols", "names an instrument twice")
    return tuple(map(str, given))


def _chase(given: object, problems: Problems) -> Chase:
    values = _members(given, "chase", tuple(CHASE), problems)
    found = {
        name: _number(values.get(name, bounds.default), bounds, problems, f"chase.{name}")
        for name, bounds in CHASE.items()
    }
    return Chase(
        most_moves=int(found["most_moves"]),
        most_ticks=int(found["most_ticks"]),
        longest_s=found["longest_s"],
        crosses=bool(found["crosses"]),
    )


def _venue_symbols(given: object, symbols: Sequence[str], problems: Problems) -> Mapping[str, str]:
    """Return the venue's name of each instrument, where none is given its own."""
    names = _members(given, "venue_symbols", symbols, problems) if symbols else {}
    for symbol, name in names.items():
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            text = f"{quoted(str(name))} is not a name of 1 to {LONGEST_NAME} characters"
            problems.note(f"venue_symbols.{symbol}", text)
    return {each: str(names.get(each) or venue_symbol(each)) for each in symbols}


def _limits(given: Mapping[str, Any], problems: Problems) -> Limits | None:
    found: dict[str, int | None] = {}
    for name, value in given.items():
        if name not in LIMITS:
            continue
        if value is None:
            found[SHARES.get(name, name)] = None
        elif name == "max_positions":
            whole = Parameter(0, 0, 1_000_000, "", is_whole=True)
            found[name] = int(_number(value, whole, problems, f"limits.{name}"))
        elif name in MONEY:
            found[name] = _scaled(value, MONEY_UNITS, LARGEST, problems, name)
        else:
            most = Decimal(1) if name in ("max_drawdown", "kelly_cap") else LARGEST
            found[SHARES[name]] = _scaled(value, PPM, most, problems, name)
    return None if problems.found else Limits(**found)  # type: ignore[arg-type]  # of the types of its fields


def _scaled(value: object, unit: int, most: Decimal, problems: Problems, name: str) -> int:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    if not (number.is_finite() and 0 <= number <= most):
        text = f"{quoted(str(value))} is not a number from 0 to {most:,}, or null for no limit"
        problems.note(f"limits.{name}", text)
        return 0
    return int(number * unit)


def _number(value: object, bounds: Parameter, problems: Problems, name: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        number = float(value) if is_number else float("nan")  # type: ignore[arg-type]  # an int or a float
    except OverflowError:  # a whole number of more than 308 digits
        number = float("inf")
    what = "whole number" if bounds.is_whole else "number"
    if not bounds.smallest <= number <= bounds.largest or (
        bounds.is_whole and number != int(number)
    ):
        problems.note(
            name,
            f"{quoted(str(value))} is not a {what} from {bounds.smallest:g} to {bounds.largest:g}",
        )
        return bounds.default
    return number


def _object(known: Mapping[str, Any], name: str, problems: Problems) -> Mapping[str, Any]:
    return _members(known.get(name, {}), name, LIMITS, problems)


def _members(
    given: object, name: str, allowed: Collection[str], problems: Problems
) -> Mapping[str, Any]:
    """Return an object's members; note those that are not allowed."""
    if not isinstance(given, Mapping):
        problems.note(name, f"must be an object with {', '.join(allowed)}")
        return {}
    for each in given:
        if each not in allowed:
            problems.note(name, f"has no {quoted(str(each))}; there are: {', '.join(allowed)}")
    return given
