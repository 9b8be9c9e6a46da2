"""Hostile requests to the endpoints of accounts, from a fixed seed."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

from quotes.tests.hostile import VALUES

HUGE = "9" * 5_000
JSON_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e30, -0.0, 10**40, 5e-324, [], [1], {}, {"a": {"b": [0]}},
    *VALUES,
)  # fmt: skip
RAW = (
    "", "null", "1", "[]", "{", '{"a":NaN}', '{"quantity":-Infinity}', "[" * 50_000, "\0",
    '{"a":' * 20_000 + "1" + "}" * 20_000, '{"quantity":' + HUGE + "}", '{"quantity":1e999999999}',
    '{"symbol":"ES","symbol":"ES"}', '{"\\u0000":1}', '{"symbol":"\\ud800"}', '"' + "x" * 200_000,
)  # fmt: skip
ORDER = {
    "symbol": "ES", "side": "buy", "type": "limit", "quantity": 1, "price": 5000,
    "time_in_force": "gtc", "client_id": "c", "reduce_only": False, "trigger_price": 4000,
    "trigger_by": "last", "trigger_direction": "rising",
}  # fmt: skip
NAMES = (
    "symbol", "state", "client_id", "order", "since_seq", "limit", "cursor", "start", "end",
    "format", "cause", "x\0", "",
)  # fmt: skip
READS = ("orders", "orders/events", "executions", "balance", "ledger", "positions", "account")


class Attack(NamedTuple):
    method: str
    path: str
    body: str
    headers: dict[str, str]


def attacks(count: int, seed: int = 11) -> Iterator[Attack]:
    """Yield requests, none of which may change anything: writes to the exchange are all wrong."""
    random = Random(seed)
    for _ in range(count):
        make = random.choice((read, place, to_order, to_position, raw, with_strange_method))
        method, path, body = make(random)
        headers = {}
        if random.random() < 0.1:
            headers["Idempotency-Key"] = random.choice(("x" * 65, "\x7f", "é", "\t"))
        yield Attack(method, f"/api/v1/{path}", body, headers)


def read(random: Random) -> tuple[str, str, str]:
    names = random.sample(NAMES, random.randint(0, 4))
    query = "&".join(f"{quote(name)}={quote(random.choice(VALUES))}" for name in names)
    return "GET", f"{random.choice(READS)}/?{query}", ""


def place(random: Random) -> tuple[str, str, str]:
    """An order with one to three wrong members; `quantity` is always one of them."""
    body = {**ORDER, "quantity": random.choice((0, -1, "NaN", 1e30, 1.5, None, [], True, HUGE))}
    for name in random.sample(list(ORDER), random.randint(0, 2)):
        if name != "quantity":
            body[name] = random.choice(JSON_VALUES)
    return "POST", "orders/", json.dumps(body)


def to_order(random: Random) -> tuple[str, str, str]:
    """A change of an order that does not exist, or of something that is no id."""
    target = quote(random.choice((*VALUES, "-1", str(2**63), "1e3", "+7")), safe="")
    method = random.choice(("GET", "PATCH", "DELETE", "PUT", "POST"))
    body = json.dumps({random.choice(list(ORDER)): random.choice(JSON_VALUES)})
    return method, f"orders/{target or '0'}/", body


def to_position(random: Random) -> tuple[str, str, str]:
    symbol = quote(random.choice((*VALUES, "NOPE", "NQ")), safe="") or "NOPE"
    if symbol == "ES":
        return (
            "POST",
            "positions/ES/leverage/",
            json.dumps({"leverage": random.choice((0, -1, 101, "x", None, HUGE))}),
        )
    action = random.choice(("leverage", "close"))
    return "POST", f"positions/{symbol}/{action}/", json.dumps({"leverage": 5})


def raw(random: Random) -> tuple[str, str, str]:
    path = random.choice(("orders/", "positions/ES/leverage/", "practice/"))
    return "POST", path, random.choice(RAW) or "x"


def with_strange_method(random: Random) -> tuple[str, str, str]:
    method = random.choice(("PUT", "TRACE", "OPTIONS", "HEAD", "PATCH"))
    return method, f"{random.choice(READS)}/", random.choice(RAW)
