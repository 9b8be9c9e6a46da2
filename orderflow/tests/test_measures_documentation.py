"""docs/measures.md lists what is in the catalogue and what was measured."""

import json
from pathlib import Path

import pytest

from orderflow.measures.entries import ENTRIES
from orderflow.measures.exact import EXACT

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "measures.md").read_text()
FIGURES = json.loads((ROOT / "benchmarks" / "results" / "flowcoverage.json").read_text())["figures"]

SAMPLING_ERROR = 0.7
"""Of a coverage in 1,000 windows."""

pytestmark = pytest.mark.processes


def test_documented_table_equals_the_catalogue():
    rows = [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in DOCS.splitlines()
        if line.startswith("| `") and line.count(" | ") == 4 and "`n` = " in line
    ]
    assert [(row[0], row[1], row[2], row[4]) for row in rows] == [
        (
            f"`{entry.name}`",
            entry.reads,
            entry.title,
            ", ".join(f"`{p.name}` = {json.dumps(p.default)}" for p in entry.parameters),
        )
        for entry in ENTRIES
    ]
    assert [row[0].strip("`") for row in rows if row[3] != "none"] == [
        entry.name for entry in ENTRIES if entry.name in EXACT
    ]


@pytest.mark.parametrize("title", [entry.title for entry in ENTRIES])
def test_every_measure_has_a_section(title):
    assert f"\n## {title}\n" in DOCS


def test_published_coverage_is_the_measured_one():
    measured = {}
    for label, found in FIGURES.items():
        if isinstance(found, dict):
            name, _, parameters = label.partition(": ")[2].partition(", ")
            percent = found["in the interval, %"]
            star = "*" if percent is not None and found["exact"] is None else ""
            shown = "\N{EN DASH}" if percent is None else f"{percent}{star}"
            row = f"`{name}`" + (f", {parameters}" if parameters else "")
            measured.setdefault(row, []).append(shown)
    for label, cells in measured.items():
        assert f"| {label} | {' | '.join(cells)} |" in DOCS
    found = [f["in the interval, %"] for f in FIGURES.values() if isinstance(f, dict)]
    percents = [percent for percent in found if percent is not None]
    assert min(percents) >= 93 - SAMPLING_ERROR
    assert max(percents) <= 97 + SAMPLING_ERROR
