"""docs/exchange.md says what the code does."""

import re
from dataclasses import fields
from pathlib import Path

from exchange.clearing.fees import SCHEDULES
from exchange.clearing.margin import TIERS
from exchange.clearing.orders import Cause, State
from exchange.flow.parameters import FlowParameters
from exchange.kinds import MONEY_UNITS
from exchange.matching import Kind

TEXT = (Path(__file__).parents[2] / "docs" / "exchange.md").read_text()


def test_flow_parameters_are_documented_with_their_defaults():
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([\d., ]+) \|", TEXT, re.MULTILINE)
    documented = {
        name.strip("` "): float(value)
        for names, values in rows
        for name, value in zip(names.split(","), values.split(","), strict=True)
    }
    assert documented == {field.name: field.default for field in fields(FlowParameters)}


def test_states_causes_and_messages_are_documented():
    for name in (*State.__members__, *Cause.__members__):
        assert f"`{name.lower()}`" in TEXT, name
    for name in Kind.__members__:
        assert f"\n| {name} |" in TEXT, name


def test_fees_and_margin_tiers_are_documented():
    for name, fees in SCHEDULES.items():
        row = rf"\n\| {name}\b.*\| {fees.taker_ppm} ppm \| {fees.maker_ppm}\b"
        assert re.search(row, TEXT), name
    for tier in TIERS:
        value = f"{tier.limit // MONEY_UNITS // 10**6} million"
        rate = f"{tier.maintenance_ppm / 10**4:g} %"
        assert f"| {value} | {rate} | {tier.leverage} |" in TEXT


def test_the_engine_in_the_example_does_what_it_says():
    (code,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    names = {}
    exec(code, names)
    seen = [(row["order_id"], row["outcome"]) for row in names["reports"]]
    assert seen == [(1, 0), (2, 0), (2, 1)]
    assert names["reports"][["maker_id", "ticks", "lots"]][2].item() == (1, 100, 3)
