"""Empirical coverage of the 95 % intervals of the measures of order flow, in simulated markets."""

import sys

from benchmarks.harness import report
from orderflow.tests.windows import Coverage, OneLaw, Regimes, coverage

WINDOWS = 2_000
FIRST_SEED = 30_001
"""Markets in which no setting of a measure was chosen."""
SLOTS = 1_700
"""About 10,000 trades, the default of the catalogue."""
CASES: tuple[OneLaw | Regimes, ...] = (
    *(OneLaw(*law) for law in ((0.0, 0.0), (0.4, 0.0), (-0.4, 0.15), (0.4, 0.3), (0.8, 0.3))),
    Regimes(),
)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else WINDOWS
    seeds = range(FIRST_SEED, FIRST_SEED + count)
    figures: dict[str, object] = {
        "windows each": count,
        "first seed": FIRST_SEED,
        "slots each": SLOTS,
        "nominal, %": 95,
    }
    for law in CASES:
        name = f"phi = {law.phi}, kappa = {law.kappa}" if isinstance(law, OneLaw) else "regimes"
        for label, found in coverage(law, seeds, SLOTS).items():
            figures[f"{name}: {label}"] = shown(found)
    report("flowcoverage", figures)


def shown(found: Coverage) -> dict[str, object]:
    """Return the figures of one cell of the table."""
    numbers = {"exact": found.exact, "mean": found.mean}
    return {
        "in the interval, %": None if found.percent is None else round(found.percent, 1),
        **{name: None if value is None else round(value, 5) for name, value in numbers.items()},
        "values": found.values,
    }


if __name__ == "__main__":
    main()
