"""Orders over HTTP, executed by the real desk and engine."""

import pytest

from exchange.accounts.opening import open_account
from exchange.models import Command, Order
from exchange.tests.trading import Exchange
from venues.deribit.tests.clients import LIMIT, MARKET, NAME, Client, body_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


def test_limit_order_is_placed_edited_and_cancelled(exchange: Exchange, client: Client) -> None:
    made = client.call("private/buy", **LIMIT, label="mine")
    order = made["order"]
    known = {
        "instrument_name": NAME, "direction": "buy", "order_type": "limit", "order_state": "open",
        "price": 64990.0, "amount": 1.0, "filled_amount": 0.0, "average_price": 0.0,
        "label": "mine", "time_in_force": "good_til_cancelled", "post_only": False, "api": True,
    }  # fmt: skip
    assert (order | known, made["trades"]) == (order, [])
    assert client.call("private/get_open_orders_by_instrument", instrument_name=NAME) == [order]
    assert client.call("private/get_open_orders_by_currency", currency="BTC") == [order]
    assert client.call("private/get_open_orders_by_currency", currency="ETH") == []
    key = order["order_id"]
    edited = client.call("private/edit", order_id=key, amount=2, price=64991)["order"]
    assert (edited["order_id"], edited["amount"], edited["price"]) == (key, 2.0, 64991.0)
    late = client.refused("private/edit", order_id=key, amount=3, valid_until=1)
    assert (late[0], late[1]["param"]) == (13888, "valid_until")
    assert client.refused("private/buy", **LIMIT, valid_until=1)[0] == 13888
    cancelled = client.call("private/cancel", order_id=key)
    assert (cancelled["order_state"], cancelled["cancel_reason"]) == ("cancelled", "user_request")
    assert client.call("private/get_order_state", order_id=key) == cancelled
    assert client.refused("private/cancel", order_id=key)[0] == 11044
    assert client.refused("private/cancel", order_id=10**9)[0] == 10004
    assert client.refused("private/get_order_state", order_id="ETH-1")[0] == 10004


def test_market_order_is_answered_with_its_trades(exchange: Exchange, client: Client) -> None:
    made = client.call("private/buy", **MARKET)
    order, (trade,) = made["order"], made["trades"]
    assert (order["order_state"], order["filled_amount"], order["average_price"]) == (
        "filled", 1.0, 65000.5,
    )  # fmt: skip
    known = {
        "order_id": order["order_id"], "price": 65000.5, "amount": 1.0, "direction": "buy",
        "liquidity": "T", "fee": 1.30001, "fee_currency": "USD", "instrument_name": NAME,
        "order_type": "market", "state": "filled",
    }  # fmt: skip
    assert trade | known == trade
    by_order = client.call("private/get_user_trades_by_order", order_id=order["order_id"])
    by_instrument = client.call("private/get_user_trades_by_instrument", instrument_name=NAME)
    assert by_order == [trade]
    assert by_instrument == {"trades": [trade], "has_more": False}
    (row,) = client.call("private/get_order_history_by_instrument", instrument_name=NAME)
    assert row == order
    (held,) = client.call("private/get_positions")
    assert (held["size"], held["direction"], held["average_price"]) == (1.0, "buy", 65000.5)
    assert held["floating_profit_loss"] == -0.5
    (money,) = client.call("private/get_account_summaries")["summaries"]
    assert (money["currency"], money["balance"]) == ("USDC", 999_998.69999)
    assert money["equity"] == 999_998.19999
    closed = client.call("private/close_position", instrument_name=NAME, type="market")
    assert closed["order"]["direction"] == "sell"
    assert client.call("private/get_position", instrument_name=NAME)["size"] == 0.0
    assert client.refused("private/close_position", instrument_name=NAME, type="market")[0] == 10010


def test_labels_may_repeat(exchange: Exchange, client: Client) -> None:
    orders = [client.buy(label="grid", price=price) for price in (64980, 64981)]
    found = client.call("private/get_open_orders_by_label", currency="BTC", label="grid")
    assert [each["order_id"] for each in found] == [each["order_id"] for each in orders][::-1]
    params = {"instrument_name": NAME, "label": "grid", "amount": 3}
    assert client.refused("private/edit_by_label", **params)[0] == 10004
    assert client.call("private/cancel_by_label", label="grid") == 2
    assert client.call("private/cancel_by_label", label="grid") == 0


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("private/cancel_all", {}),
        ("private/cancel_all_by_instrument", {"instrument_name": NAME}),
        ("private/cancel_all_by_currency", {"currency": "BTC"}),
        ("private/cancel_all_by_instrument", {"instrument_name": NAME, "type": "limit"}),
    ],
)
def test_sweeps_count_what_they_cancel(
    exchange: Exchange, client: Client, method: str, params: dict[str, str]
) -> None:
    for price in (64980, 64981, 64982):
        client.buy(price=price)
    assert client.call(method, **params) == 3
    assert client.call(method, **params) == 0


def test_stop_order_waits_for_its_trigger(exchange: Exchange, client: Client) -> None:
    params = {"instrument_name": NAME, "amount": 1, "type": "stop_market",
              "trigger": "mark_price", "trigger_price": 64000}  # fmt: skip
    order = client.call("private/sell", **params)["order"]
    assert (order["order_type"], order["order_state"]) == ("stop_market", "untriggered")
    found = client.call("private/get_open_orders", type="trigger_all")
    assert [each["order_id"] for each in found] == [order["order_id"]]
    assert client.call("private/get_open_orders", type="limit") == []


def test_type_selects_stops_or_profit_takers_alone(exchange: Exchange, client: Client) -> None:
    waiting = {"instrument_name": NAME, "amount": 1, "trigger": "mark_price"}
    ids = {
        kind: client.call("private/sell", **waiting, type=kind, trigger_price=at, **price)["order"][
            "order_id"
        ]
        for kind, at, price in (
            ("stop_market", 64000, {}),
            ("take_limit", 66000, {"price": 66000}),
        )
    }
    for name, kinds in (
        ("stop_all", ["stop_market"]),
        ("stop_market", ["stop_market"]),
        ("stop_limit", []),
        ("take_all", ["take_limit"]),
        ("take_limit", ["take_limit"]),
        ("trailing_all", []),
        ("limit", []),
        ("trigger_all", ["take_limit", "stop_market"]),
    ):
        found = client.call("private/get_open_orders", type=name)
        assert [each["order_id"] for each in found] == [ids[kind] for kind in kinds], name
    sweep = {"instrument_name": NAME, "type": "take_all"}
    assert client.call("private/cancel_all_by_instrument", **sweep) == 1
    (left,) = client.call("private/get_open_orders")
    assert left["order_id"] == ids["stop_market"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"instrument_name": "ES"}, 13020),
        ({"instrument_name": ""}, -32602),
        ({"amount": ""}, -32602),
        ({"amount": 0.5}, 10002),
        ({"amount": 1.5}, 10021),
        ({"amount": -1}, 10021),
        ({"price": ""}, -32602),
        ({"price": 64990.3}, 10043),
        ({"price": "1e-999999999"}, 10043),
        ({"price": -1}, 10023),
        ({"price": 90000}, 10007),
        ({"amount": 1_000}, 10009),
        ({"type": "trailing_stop"}, -32602),
        ({"type": "stop_limit", "trigger": "last_price"}, -32602),
        ({"type": "stop_limit", "trigger": "last_price", "trigger_price": 66000.3}, 10044),
        ({"type": "stop_limit", "trigger": "mark_price", "trigger_price": 64000}, 10035),
        ({"time_in_force": "good_til_day"}, -32602),
        ({"max_show": 0}, -32602),
        ({"price": 65010, "post_only": "true", "reject_post_only": "true"}, 11054),
        ({"reduce_only": "true"}, 11030),
    ],
)
def test_wrong_orders_are_refused(
    exchange: Exchange, client: Client, changes: dict[str, object], code: int
) -> None:
    found, data = client.refused("private/buy", **LIMIT | changes)
    assert found == code, data


def test_fill_or_kill_that_cannot_be_filled_is_cancelled(
    exchange: Exchange, client: Client
) -> None:
    order = client.buy(price=64990, time_in_force="fill_or_kill")
    assert (order["order_state"], order["cancel_reason"]) == ("cancelled", "no_liquidity")


def test_signed_request_stores_an_order_once(exchange: Exchange, client: Client) -> None:
    request = client.signed("private/buy", f"instrument_name={NAME}&amount=1&price=64990")
    first, second = (body_of(client.rest(request)) for _ in range(2))
    assert "result" in first
    assert second["error"]["code"] == 13009
    assert (Order.objects.count(), Command.objects.count()) == (1, 1)


def test_key_that_may_only_read_places_no_orders(exchange: Exchange, client: Client) -> None:
    reader = Client(client.account, can_trade=False)
    assert reader.refused("private/buy", **LIMIT)[0] == 13021
    assert reader.call("private/get_open_orders") == []
    assert Command.objects.count() == 0


def test_orders_of_others_are_unknown(exchange: Exchange, client: Client) -> None:
    order = client.buy()
    other = Client(open_account(name="other", balance=10**12))
    assert other.refused("private/cancel", order_id=order["order_id"])[0] == 10004
    assert other.call("private/get_open_orders") == []
