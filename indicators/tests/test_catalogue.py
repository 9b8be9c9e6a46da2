"""A measure needs only its entry in the catalogue to be scanned, served and shown."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from numba.core.dispatcher import Dispatcher

from indicators import ordinal_patterns, rescaled_range, series
from indicators.catalogue import CATALOGUE, Cost, Indicator, Parameter, of_prices
from indicators.entropy import permutation_entropy
from indicators.estimate import Estimate, RollingEstimate
from indicators.hurst import hurst_exponent
from indicators.models import Reading
from indicators.readings import scan_market
from indicators.rolling import rolling_ends
from indicators.scanning import pays, scan
from indicators.series import read_only
from instruments.models import Instrument
from market.compiling import Deferred
from rig.histories import make_instrument, make_ticks, record
from scripts import kerneluses

pytestmark = pytest.mark.any_database
DOCS = Path(__file__).resolve().parents[2] / "docs" / "indicators.md"


def height(closes: Any, unit: int = 1) -> Estimate:
    return Estimate(value=float(np.ptp(closes)) / unit, n=len(closes))


def rolling_height(closes: Any, window: int, step: int = 1, unit: int = 1) -> RollingEstimate:
    ends = rolling_ends(len(closes), window, step)
    values = np.array([np.ptp(closes[end - window : end]) / unit for end in ends])
    return RollingEstimate(window=window, ends=ends, values=values, valid=values >= 0)


HEIGHT = Indicator(
    name="height",
    title="Height of the window",
    help="Highest close less lowest close.",
    null_value=0.0,
    domain=(-1.0, 100.0),
    cost=Cost(6_000.0, 0.0),
    parameters=(
        Parameter(name="n", default=300, minimum=3, help="How many of the newest closes."),
        Parameter(name="unit", default=2, minimum=1, help="Ticks per unit."),
    ),
    compute=height,
    rolling=rolling_height,
    null_band=lambda n, unit: None,
)


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CATALOGUE, "height", HEIGHT)


@pytest.fixture
def market(db: None) -> Instrument:
    instrument: Instrument = make_instrument()
    record(make_ticks(instrument, 6_000, interval_s=30), regimes=3)
    return instrument


@pytest.mark.processes
@pytest.mark.usefixtures("catalogue")
def test_new_entry_is_measured_by_scans() -> None:
    matrix = np.arange(30.0).reshape(3, 10)
    assert [row[0].value for row in scan(matrix, [("height", {"unit": 3})], workers=1)] == [3.0] * 3
    assert pays(matrix, [("height", {})], 4)


@pytest.mark.usefixtures("catalogue")
def test_new_entry_is_scanned_over_its_own_window(market: Instrument) -> None:
    published: list[Any] = []
    assert scan_market([market], published.extend) == len(of_prices())
    stored = Reading.objects.get(indicator="height")
    assert stored.value == HEIGHT.measure(closes(market)[-300:], HEIGHT.read({})).value
    assert "indicators.height.ES" in {item["topic"] for item in published}


def closes(market: Instrument) -> list[int]:
    minutes = market.candles.filter(timeframe=60).order_by("opened_at")
    return list(minutes.values_list("close", flat=True))


@pytest.mark.usefixtures("catalogue")
def test_new_entry_is_served_by_the_api(client: Client, market: Instrument) -> None:
    listed = client.get("/api/v1/indicators/").json()
    assert listed[-1]["name"] == "height"
    assert [parameter["name"] for parameter in listed[-1]["parameters"]] == ["n", "unit"]
    answer = client.get("/api/v1/indicators/height/ES/?unit=1&n=500").json()
    assert answer["value"] == np.ptp(closes(market)[-500:])
    rolled = client.get("/api/v1/indicators/height/ES/rolling/?step=50").json()
    assert rolled["rows"][-1][1] > 0


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("page", ["/laboratory/", "/instruments/ES/", "/laboratory/runs/"])
def test_new_entry_is_listed_on_the_pages(
    admin_client: Client, market: Instrument, page: str
) -> None:
    scan_market([market], lambda published: None)
    assert HEIGHT.title in admin_client.get(page).content.decode()


def test_setup_compiles_the_kernels_of_all_measures(client: Client, market: Instrument) -> None:
    kerneluses.measures()
    compiled = signatures()
    scan_market([market], lambda published: None)
    for name in (indicator.name for indicator in of_prices()):
        client.get(f"/api/v1/indicators/{name}/ES/")
        client.get(f"/api/v1/indicators/{name}/ES/rolling/?n=600&step=50")
    walk = np.random.default_rng(1).normal(size=1_000).cumsum()
    for of_notebook in (walk, read_only(walk)):  # columns of pandas are read-only
        hurst_exponent(of_notebook)
        permutation_entropy(of_notebook)
    assert signatures() == compiled


def signatures() -> dict[str, list[Any]]:
    """Return the signatures for which each kernel is compiled."""
    named = [vars(module).values() for module in (ordinal_patterns, rescaled_range, series)]
    found = [
        each.resolved if isinstance(each, Deferred) else each for each in itertools.chain(*named)
    ]
    return {
        kernel.py_func.__qualname__: list(kernel.signatures)
        for kernel in found
        if isinstance(kernel, Dispatcher)
    }


@pytest.mark.processes
def test_documented_table_equals_the_catalogue() -> None:
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    documented = [row for row in rows if row.split("|")[2].strip() in {"closes", "ticks"}]
    assert documented == [
        f"| `{indicator.name}` | {indicator.reads} | {indicator.title} | "
        + ", ".join(f"`{p.name}` = {shown(p.default)}" for p in indicator.parameters)
        + " |"
        for indicator in of_prices()
    ]


def shown(default: object) -> str:
    return json.dumps(default)


@pytest.mark.processes
@pytest.mark.parametrize("indicator", of_prices(), ids=lambda indicator: indicator.name)
def test_every_measure_has_a_section_in_the_documentation(indicator: Indicator) -> None:
    assert f"\n## {indicator.title}" in DOCS.read_text()
