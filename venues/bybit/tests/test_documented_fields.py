"""Every answer has exactly the fields that Bybit documents or sends for linear perpetuals.

`documented_fields.json` lists them by path, from Bybit's documentation of July 2026.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from exchange.tests.trading import Exchange
from venues.bybit.rest.answering import Rest
from venues.bybit.tests.clients import LIMIT, Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
DOCUMENTED = json.loads((Path(__file__).parent / "documented_fields.json").read_text())
UNDOCUMENTED = {"/v5/execution/list": {"list.marketUnit"}}
"""Fields that answers of Bybit, recorded by ccxt, have nevertheless."""
OF_OPTIONS = {"mP", "iP", "mIv", "iv"}
OF_NEW_LISTINGS = "list.preListingInfo."
LINEAR = {"category": "linear", "symbol": "BTCUSDT"}
QUERIES: dict[str, dict[str, str]] = {
    "/v5/market/open-interest": {"intervalTime": "1h"},
    "/v5/account/wallet-balance": {"accountType": "UNIFIED"},
    "/v5/account/transaction-log": {"category": "linear"},
    **{
        f"/v5/market/{kind}kline": {"interval": "1"} for kind in ("", "mark-price-", "index-price-")
    },
}
BATCHES = {
    f"/v5/order/{kind}-batch": {"list", *(f"list.{name}" for name in fields)}
    for kind, fields in {
        "create": ("category", "symbol", "orderId", "orderLinkId", "createAt"),
        "amend": ("category", "symbol", "orderId", "orderLinkId"),
        "cancel": ("category", "symbol", "orderId", "orderLinkId"),
    }.items()
}


def names(value: Any, before: str = "") -> Iterator[str]:
    """Yield the names of all members, with those of the objects around them."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield before + name
            yield from names(inner, f"{before}{name}.")
    elif isinstance(value, list):
        for each in value:
            yield from names(each, before)


def test_answers_have_the_documented_fields(
    exchange: Exchange, client: Client, settings: Settings
) -> None:
    settings.BYBIT_LIMIT_FACTOR = 0
    client.rest = Rest()
    client.create(orderType="Market")
    client.create(orderType="Market", side="Sell", qty="0.005")
    answers = {path: trade(client, path) for path in DOCUMENTED}
    for path, answer in answers.items():
        assert answer["retCode"] == 0, (path, answer)
        assert members(answer["result"]) == linear(path), path


def test_batches_have_the_documented_fields(exchange: Exchange, client: Client) -> None:
    for path, documented in BATCHES.items():
        order = {"symbol": "BTCUSDT", "qty": "0.02"}
        order |= LIMIT if "create" in path else {"orderId": client.create()}
        answer = client.post(path, category="linear", request=[order])
        assert set(names(answer["result"])) == documented, path
        assert set(names(answer["retExtInfo"])) == {"list", "list.code", "list.msg"}, path


def members(result: Any) -> set[str]:
    """Return the names of a result, except the coins for which fees were paid."""
    return {name for name in names(result) if ".cumFeeDetail." not in name}


def linear(path: str) -> set[str]:
    """Return the fields that answers about linear perpetuals have."""
    return UNDOCUMENTED.get(path, set()) | {
        name
        for name in DOCUMENTED[path]
        if name.rpartition(".")[2] not in OF_OPTIONS and not name.startswith(OF_NEW_LISTINGS)
    }


def trade(client: Client, path: str) -> Any:
    """Return an answer of an endpoint that succeeds."""
    name = path.rpartition("/")[2]
    if name in ("amend", "cancel"):
        order = client.create()
        return client.post(path, **LINEAR, orderId=order, qty="0.02")
    if name == "create":
        return client.post(path, **LIMIT)
    if name == "cancel-all":
        client.create()
        return client.post(path, **LINEAR)
    if name == "realtime":
        client.create()
    return client.get(path, **LINEAR | QUERIES.get(path, {}))
