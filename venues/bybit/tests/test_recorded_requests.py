"""Requests of ccxt: each gets the documented code, and an answer of the same shape as Bybit's.

`ccxt_responses.json` has the members of Bybit's answers in ccxt's test data, and their kinds.
"""

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from exchange.clearing.funding import INTERVAL_US
from exchange.tests.trading import Exchange
from venues.bybit.rest.answering import Rest
from venues.bybit.tests.clients import MARK, Client, body_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
FOLDER = Path(__file__).parent
SHAPES = json.loads((FOLDER / "ccxt_responses.json").read_text())
FUNDED = "execType=Funding&symbol=BTCUSDT"


def recorded() -> Iterator[tuple[frozenset[int], str]]:
    """Yield requests with the codes that may answer them."""
    codes: frozenset[int] = frozenset()
    for line in (FOLDER / "ccxt_requests.txt").read_text().splitlines():
        if line.startswith("= "):
            codes = frozenset(map(int, line[2:].partition(":")[0].split()))
        elif line and not line.startswith("#"):
            yield codes, line


def is_number(value: Any) -> bool:
    """Return whether a value is a number, or the text of one, or empty."""
    try:
        return value == "" or (not isinstance(value, bool) and Decimal(value).is_finite())
    except (InvalidOperation, TypeError):
        return False


KINDS = {
    "number": is_number,
    "text": lambda value: isinstance(value, str),
    "flag": lambda value: isinstance(value, bool),
}


def differences(shape: Any, value: Any, where: str = "result") -> Iterator[str]:
    """Yield what a value lacks or has in another form; what Bybit has added since is no difference.

    The one shape in a list is that of all its members.
    """
    if isinstance(shape, str):
        if not KINDS[shape](value):
            yield f"{where}: {value!r} is no {shape}"
    elif not isinstance(value, type(shape)):
        yield f"{where}: {value!r} is no {type(shape).__name__}"
    elif isinstance(shape, dict):
        yield from (f"{where}.{name} is missing" for name in shape.keys() - value.keys())
        for name in shape.keys() & value.keys():
            yield from differences(shape[name], value[name], f"{where}.{name}")
    else:
        for index, each in enumerate(value):
            yield from differences(shape[index % len(shape)], each, f"{where}[{index}]")


def test_recorded_requests_get_answers_of_the_same_shape_as_from_bybit(
    exchange: Exchange, client: Client, settings: Settings
) -> None:
    settings.BYBIT_LIMIT_FACTOR = 0
    client.rest = Rest()
    client.create(orderType="Market", qty="0.5")
    exchange.mark("BTCUSDT", MARK, at=exchange.ports["BTCUSDT"].at + INTERVAL_US)
    client.create(price="64000")
    client.post("/v5/order/cancel-all", category="linear", symbol="BTCUSDT")
    asked, compared = 0, set()
    for codes, line in recorded():
        method, target, *body = line.split(" ", 2)
        path, _, query = target.partition("?")
        answer = body_of(client.send(method, path, query=query, body="".join(body).encode()))
        assert answer["retCode"] in codes, (line, answer)
        asked += 1
        is_linear = "category=" not in query or "category=linear" in query
        if answer["retCode"] == 0 and path in SHAPES and is_linear:
            assert list(differences(SHAPES[path], answer["result"])) == [], line
            if answer["result"].get("list", "acknowledged"):
                compared.add(path)
        if FUNDED in query:
            assert [row["execType"] for row in answer["result"]["list"]] == ["Funding"]
    assert asked > 90
    assert compared == SHAPES.keys()
