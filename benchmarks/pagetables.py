"""Results in the documentation: the table between `<!-- results of NAME -->` and `<!-- end -->`.

A benchmark renews it whenever it writes its results, so that both are always of one run. Pure.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
RESULTS: Final = ROOT / "benchmarks" / "results"
TABLE: Final = re.compile(r"(<!-- results of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(name: str) -> str:
    """Return the results of a benchmark as a table in Markdown."""
    found = json.loads((RESULTS / f"{name}.json").read_text())
    rows = [("figure", "measured"), ("---", "---"), *found["figures"].items()]
    return "".join(f"| {label} | {value} |\n" for label, value in rows)


def with_results(text: str) -> str:
    """Return a page with the newest results in its tables."""
    return TABLE.sub(lambda found: f"{found[1]}{table(found[2])}{found[3]}", text)


def pages() -> Iterator[Path]:
    """Yield the pages that show results."""
    return (page for page in (ROOT / "docs").glob("*.md") if TABLE.search(page.read_text()))


def renew() -> None:
    """Write the newest results into all pages."""
    for page in pages():
        page.write_text(with_results(page.read_text()))


if __name__ == "__main__":
    renew()
