"""Shared by all benchmarks: a temporary database, and the report of the figures."""

import contextlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import django
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import pagetables

os.environ |= {"DJANGO_SETTINGS_MODULE": "pytrade.settings", "DEBUG": "off"}
os.environ.setdefault("SECRET_KEY", "of-a-benchmark")
django.setup()

from django.test.utils import setup_databases, teardown_databases  # noqa: E402

RESULTS = Path(__file__).parent / "results"


@contextlib.contextmanager
def scratch_market() -> Iterator[None]:
    """Create a migrated test database on the engine of DATABASE_URL; drop it afterwards."""
    created = setup_databases(verbosity=0, interactive=False)
    try:
        yield
    finally:
        teardown_databases(created, verbosity=0)


def report(name: str, figures: Mapping[str, object]) -> None:
    """Print the figures, write them to benchmarks/results/NAME.json and into docs/."""
    table = Table(title=name, show_header=False)
    for label, value in figures.items():
        table.add_row(label, str(value))
    Console().print(table)
    machine = {
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "django": django.get_version(),
        "numpy": np.__version__,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"figures": dict(figures), "machine": machine}, indent=2)
    (RESULTS / f"{name}.json").write_text(text + "\n")
    pagetables.renew()
