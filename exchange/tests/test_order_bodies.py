"""What is wrong with an order is said in one clear sentence, and nothing is stored."""

from typing import Any

import pytest

from exchange.models import Command
from exchange.tests.clients import LIMIT, ORDERS, Program, funded, listed
from rig.histories import make_instrument

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
ARABIC_ONE = "\u0661"


@pytest.fixture
def program() -> Program:
    listed("ES")
    return Program(funded())


BAD_ORDERS = [
    ({"quantity": 0}, "quantity: 0 is not positive"),
    ({"quantity": -1}, "quantity: -1 is not positive"),
    ({"quantity": 1e30}, "quantity: 1E+30 is too large: at most 1099511627776"),
    ({"quantity": "1e30"}, "quantity: 1E+30 is too large"),
    ({"quantity": "NaN"}, "quantity: 'NaN' is not a decimal number"),
    ({"quantity": "Infinity"}, "quantity: 'Infinity' is not a decimal number"),
    ({"quantity": "1_0"}, "quantity: '1_0' is not a decimal number"),
    ({"quantity": ARABIC_ONE}, "is not a decimal number"),
    ({"quantity": True}, "quantity: True is not a decimal number"),
    ({"quantity": [1]}, "quantity: [1] is not a decimal number"),
    ({"quantity": "1e-999999999"}, "quantity: 1E-999999999 is not a multiple of 1"),
    ({"price": "1e-999999999"}, "price: 1E-999999999 is not a multiple of 0.25"),
    ({"trigger_price": "1e-999999999"}, "trigger_price: 1E-999999999 is not a multiple of 0.25"),
    ({"quantity": 1.5}, "quantity: 1.5 is not a multiple of 1"),
    ({"quantity": None}, "quantity: is missing"),
    ({"price": 4999.6}, "price: 4999.6 is not a multiple of 0.25"),
    ({"price": "4999.5000000000000000000000000000000001"}, "is not a multiple of 0.25"),
    ({"price": -1}, "price: -1 is not positive"),
    ({"price": None}, "price: is missing: a limit order needs one"),
    ({"type": "market"}, "price: a market order has none"),
    ({"type": "stop"}, "type: 'stop' is not one of limit, market"),
    ({"side": "BUY"}, "side: 'BUY' is not one of buy, sell"),
    ({"side": None}, "side: is missing: use one of buy, sell"),
    ({"time_in_force": "day"}, "time_in_force: 'day' is not one of gtc, ioc, fok, post_only"),
    ({"reduce_only": "yes"}, "reduce_only: 'yes' is not true or false"),
    ({"client_id": ""}, "client_id: '' is not a text"),
    ({"client_id": "x" * 65}, "must be up to 64 printable ASCII characters"),
    ({"client_id": "a\0b"}, "must be up to 64 printable ASCII characters"),
    ({"client_id": 7}, "client_id: 7 is not a text"),
    ({"trigger_by": "mark"}, "trigger_by: needs a trigger_price beside it"),
    ({"trigger_price": 0}, "trigger_price: 0 is not positive"),
    ({"colour": 1}, "colour: 'colour' is not a member here; there are: symbol, side"),
    ({"symbol": None}, "symbol: is missing"),
    ({"symbol": "NQ"}, "symbol: NQ has no order book; these have one: ES"),
]


@pytest.mark.parametrize(("change", "detail"), BAD_ORDERS, ids=lambda value: str(value)[:40])
def test_wrong_orders_are_refused_with_one_reason(
    program: Program, change: dict[str, Any], detail: str
) -> None:
    make_instrument("NQ")
    answer = program.post(ORDERS, LIMIT | change)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert detail in answer.json()["detail"]
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("", "is missing"),
        ("[]", "must be a JSON object"),
        ("{", "the body is not JSON"),
        ('{"quantity": NaN}', "NaN is not a JSON number"),
        ('{"quantity": 1, "quantity": 2}', "appears twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"quantity": 1' + "0" * 5_000 + "}", "not JSON"),
        ('{"quantity": 1e999999999}', "is missing"),
        ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "not JSON"),
    ],
)
def test_bodies_that_are_no_order_are_refused(program: Program, body: str, detail: str) -> None:
    answer = program.post(ORDERS, body)
    assert answer.status_code == 400
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize("leverage", [0, -1, 101, 1.5, "x", None, True, 1e400])
def test_invalid_leverage_is_refused(program: Program, leverage: Any) -> None:
    body = '{"leverage": 1e400}' if leverage == 1e400 else {"leverage": leverage}
    answer = program.post("/api/v1/positions/ES/leverage/", body)
    assert answer.status_code == 400
    assert "leverage" in answer.json()["errors"]
