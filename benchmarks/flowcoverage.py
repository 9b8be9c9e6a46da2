"""Empirical coverage of the 95 % intervals of the measures of order flow, in simulated markets."""

import sys

from benchmarks.harness import report
from orderflow.tests.windows import Coverage, coverage

WINDOWS = 1_000
SLOTS = 1_700
"""About 10,000 trades, the default of the catalogue."""
CASES = ((0.0, 0.0), (0.4, 0.0), (-0.4, 0.15), (0.4, 0.3), (0.8, 0.3))
"""phi and kappa."""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else WINDOWS
    figures: dict[str, object] = {"windows each": count, "slots each": SLOTS, "nominal, %": 95}
    for phi, kappa in CASES:
        for label, found in coverage(phi, kappa, count, SLOTS).items():
            figures[f"phi = {phi}, kappa = {kappa}: {label}"] = shown(found, count)
    report("flowcoverage", figures)


def shown(found: Coverage, count: int) -> dict[str, object]:
    """Return the figures of one cell of the table; none if most windows have no value."""
    if found.values < count / 2:
        return {"in the interval, %": None, "exact": None, "mean": None, "values": found.values}
    return {
        "in the interval, %": round(found.percent, 1),
        "exact": None if found.exact is None else round(found.exact, 5),
        "mean": round(found.mean, 5),
        "values": found.values,
    }


if __name__ == "__main__":
    main()
