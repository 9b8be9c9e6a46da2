"""Orders over REST, executed by the real desk and engine."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from exchange.matching import SELL
from exchange.models import Order
from exchange.tests.trading import Exchange
from instruments.models import Instrument
from venues.bybit.rest.answering import Rest
from venues.bybit.tests.clients import CREATE, LIMIT, MARK, Client
from venues.tests.books import rest_book

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
LINEAR = {"category": "linear", "symbol": "BTCUSDT"}
MARKET = {"orderType": "Market", "price": ""}


def open_orders(client: Client, **query: Any) -> list[Any]:
    rows: list[Any] = client.get("/v5/order/realtime", **LINEAR | query)["result"]["list"]
    return rows


def test_limit_order_is_acknowledged_amended_and_cancelled(
    exchange: Exchange, client: Client
) -> None:
    made = client.post(CREATE, **LIMIT, orderLinkId="mine-1")
    assert (made["retCode"], made["retMsg"]) == (0, "OK")
    order = made["result"]["orderId"]
    assert made["result"] == {"orderId": order, "orderLinkId": "mine-1"}
    (row,) = open_orders(client)
    known = {
        "orderId": order, "orderLinkId": "mine-1", "symbol": "BTCUSDT", "side": "Buy",
        "orderType": "Limit", "price": "64990.0", "qty": "0.010", "orderStatus": "New",
        "timeInForce": "GTC", "leavesQty": "0.010", "leavesValue": "649.9", "cumExecQty": "0",
        "avgPrice": "", "reduceOnly": False, "rejectReason": "EC_NoError", "positionIdx": 0,
        "triggerPrice": "", "stopOrderType": "", "cancelType": "UNKNOWN",
    }  # fmt: skip
    assert row | known == row
    amended = client.post("/v5/order/amend", **LINEAR, orderId=order, qty="0.02", price="64991")
    assert amended["result"] == made["result"]
    (row,) = open_orders(client, orderLinkId="mine-1")
    assert (row["price"], row["qty"]) == ("64991.0", "0.020")
    cancelled = client.post("/v5/order/cancel", **LINEAR, orderLinkId="mine-1")
    assert cancelled["result"] == made["result"]
    assert open_orders(client) == []
    for path in ("amend", "cancel"):
        again = client.post(f"/v5/order/{path}", **LINEAR, orderId=order, qty="0.01")
        assert (again["retCode"], "order not exists" in again["retMsg"]) == (110001, True)
    (row,) = open_orders(client, openOnly=1)
    assert (row["orderStatus"], row["cancelType"], row["leavesQty"]) == (
        "Cancelled", "CancelByUser", "0",
    )  # fmt: skip


def fill_mark(client: Client) -> str:
    """Return the mark price at the only execution."""
    (fill,) = client.get("/v5/execution/list", **LINEAR)["result"]["list"]
    mark: str = fill["markPrice"]
    return mark


def test_market_order_fills_and_is_seen_everywhere(exchange: Exchange, client: Client) -> None:
    order = client.create(**MARKET)
    (row,) = client.get("/v5/order/history", **LINEAR, orderStatus="Filled")["result"]["list"]
    assert (row["orderId"], row["orderStatus"], row["timeInForce"]) == (order, "Filled", "IOC")
    assert (row["avgPrice"], row["cumExecQty"], row["cumExecValue"]) == (
        "65000.1", "0.010", "650.001",
    )  # fmt: skip
    assert row["lastPriceOnCreated"] == fill_mark(client) == "65000.0"
    assert (row["cumExecFee"], row["cumFeeDetail"]) == ("0.01300002", {"USDT": "0.01300002"})
    (fill,) = client.get("/v5/execution/list", **LINEAR, execType="Trade")["result"]["list"]
    assert (fill["orderId"], fill["execPrice"], fill["execQty"]) == (order, "65000.1", "0.010")
    assert (fill["isMaker"], fill["execFee"], fill["feeRate"]) == (False, "0.01300002", "0.00002")
    assert (fill["leavesQty"], fill["closedSize"], fill["execType"]) == ("0", "0", "Trade")
    (held,) = client.get("/v5/position/list", category="linear", settleCoin="USDT")["result"][
        "list"
    ]
    assert (held["side"], held["size"], held["avgPrice"]) == ("Buy", "0.010", "65000.1")
    assert (held["positionValue"], held["leverage"], held["markPrice"]) == (
        "650.001", "10", "65000.0",
    )  # fmt: skip
    assert (held["unrealisedPnl"], held["liqPrice"]) == ("-0.001", "")
    wallet = client.get("/v5/account/wallet-balance", accountType="UNIFIED")["result"]["list"][0]
    assert wallet["totalWalletBalance"] == "99999.98699998"
    (coin,) = wallet["coin"]
    assert (coin["coin"], coin["unrealisedPnl"], coin["totalPositionIM"]) == (
        "USDT", "-0.001", "65",
    )  # fmt: skip
    assert (coin["free"], coin["availableToWithdraw"]) == ("", "")  # else ccxt cannot add it up


def test_closed_positions_show_what_each_order_closed(exchange: Exchange, client: Client) -> None:
    client.create(**MARKET)
    flip = client.create(side="Sell", qty="0.015", **MARKET)
    closed = client.get("/v5/position/closed-pnl", **LINEAR)["result"]["list"]
    (row,) = closed
    assert (row["orderId"], row["side"], row["qty"], row["closedSize"]) == (
        flip, "Sell", "0.015", "0.010",
    )  # fmt: skip
    assert (row["avgEntryPrice"], row["avgExitPrice"]) == ("65000.1", "64999.9")
    assert (row["cumEntryValue"], row["cumExitValue"]) == ("650.001", "649.999")
    fills = client.get("/v5/execution/list", **LINEAR)["result"]["list"]
    assert [fill["closedSize"] for fill in fills] == ["0.010", "0"]
    log = client.get("/v5/account/transaction-log", currency="USDT")["result"]["list"]
    assert [row["type"] for row in log] == ["TRADE", "TRADE", "TRADE", "TRANSFER_IN"]
    assert log[-1]["cashBalance"] == "100000"
    wallet = client.get("/v5/account/wallet-balance", accountType="UNIFIED")["result"]["list"][0]
    assert log[0]["cashBalance"] == wallet["totalWalletBalance"]


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"qty": "0.0005"}, 10001, "must be a multiple of 0.001"),
    ({"qty": "1e-999999999"}, 10001, "must be a multiple of 0.001"),
    (
        {"triggerPrice": "1e-999999999", "triggerDirection": 1},
        10001,
        "must be a multiple of 0.1",
    ),
    ({"qty": "-1"}, 10001, "Qty invalid: '-1'"),
    ({"qty": ""}, 10001, "qty is missing"),
    ({"price": "64990.05"}, 10001, "Price invalid"),
    ({"price": "nan"}, 10001, "is not a decimal number"),
    ({"price": "70000"}, 110003, "Order price exceeds"),
    ({"qty": "100"}, 110007, "ab not enough"),
    ({"qty": "0.001", "price": "100"}, 110094, "minimum order value"),
    ({"reduceOnly": True}, 110017, "cannot fix reduce-only"),
    ({"side": "Hold"}, 10001, "side 'Hold' is not one of Buy, Sell"),
    ({"symbol": "ES"}, 10001, "symbol invalid"),
    ({"category": "spot"}, 170121, "Invalid symbol."),
    ({"category": "option"}, 10001, "category option has no instruments"),
    ({"positionIdx": 1}, 10001, "position idx not match"),
    ({"takeProfit": "70000"}, 10001, "takeProfit is not served"),
    ({"orderLinkId": "a b"}, 10001, "orderLinkId"),
    ({"orderLinkId": "x" * 37}, 10001, "orderLinkId"),
    ({"triggerPrice": "64000"}, 10001, "triggerDirection is missing"),
    ({"triggerPrice": "64000", "triggerDirection": 1}, 110092, "expect Rising"),
    ({"triggerPrice": "66000", "triggerDirection": 2}, 110093, "expect Falling"),
]


def test_orders_that_cannot_be_are_refused_by_code(
    exchange: Exchange, client: Client, settings: Settings
) -> None:
    settings.BYBIT_LIMIT_FACTOR = 0
    client.rest = Rest()
    for changes, code, text in REFUSED:
        answer = client.post(CREATE, **LIMIT | changes)
        assert (answer["retCode"], text in answer["retMsg"]) == (code, True), (changes, answer)
        assert answer["result"] == {}
    assert open_orders(client) == []


def test_order_that_the_book_refuses_is_acknowledged_then_cancelled(
    exchange: Exchange, client: Client
) -> None:
    post_only = client.create(timeInForce="PostOnly", price="65001")
    fill_or_kill = client.create(timeInForce="FOK", qty="60", price="65000.1", side="Sell")
    rows = client.get("/v5/order/history", **LINEAR, orderStatus="Cancelled")["result"]["list"]
    assert [(row["orderId"], row["rejectReason"]) for row in rows] == [
        (fill_or_kill, "EC_NoEnoughQtyToFill"),
        (post_only, "EC_PostOnlyWillTakeLiquidity"),
    ]
    assert {row["orderStatus"] for row in rows} == {"Cancelled"}
    nothing = client.get("/v5/order/history", **LINEAR, orderStatus="Rejected")["result"]["list"]
    assert nothing == []


def test_link_id_is_accepted_once(exchange: Exchange, client: Client) -> None:
    client.create(orderLinkId="one")
    again = client.post(CREATE, **LIMIT, orderLinkId="one")
    assert (again["retCode"], again["retMsg"]) == (110072, "OrderLinkedID is duplicate")
    assert len(open_orders(client)) == 1


def test_conditional_order_waits_and_fires(exchange: Exchange, client: Client) -> None:
    order = client.create(
        side="Buy", triggerPrice="65010", triggerDirection=1, triggerBy="MarkPrice", **MARKET
    )
    (row,) = open_orders(client, orderFilter="StopOrder")
    assert (row["orderId"], row["orderStatus"], row["stopOrderType"]) == (
        order, "Untriggered", "Stop",
    )  # fmt: skip
    assert (row["triggerPrice"], row["triggerDirection"], row["triggerBy"]) == (
        "65010.0", 1, "MarkPrice",
    )  # fmt: skip
    assert open_orders(client, orderFilter="Order") == []
    exchange.mark("BTCUSDT", 650_100)
    (row,) = open_orders(client, orderId=order)
    assert row["orderStatus"] == "Filled"


def test_take_profit_and_stop_loss_close_the_position(exchange: Exchange, client: Client) -> None:
    stop = {**LINEAR, "tpslMode": "Full", "positionIdx": 0}
    none = client.post("/v5/position/trading-stop", **stop, takeProfit="66000")
    assert (none["retCode"], "zero position" in none["retMsg"]) == (10001, True)
    client.create(**MARKET)
    assert client.post("/v5/position/trading-stop", **stop, takeProfit="66000")["retCode"] == 0
    moved = client.post(
        "/v5/position/trading-stop", **stop, takeProfit="66001", stopLoss="64000",
        slTriggerBy="MarkPrice",
    )  # fmt: skip
    assert moved["retCode"] == 0, moved
    low = client.post("/v5/position/trading-stop", **stop, takeProfit="64999")
    assert (low["retCode"], "expect Rising" in low["retMsg"]) == (10001, True)
    (held,) = client.get("/v5/position/list", **LINEAR)["result"]["list"]
    assert (held["takeProfit"], held["stopLoss"]) == ("66001.0", "64000.0")
    kinds = {row["stopOrderType"]: row["triggerPrice"] for row in open_orders(client)}
    assert kinds == {"TakeProfit": "66001.0", "StopLoss": "64000.0"}
    assert client.post("/v5/position/trading-stop", **stop, takeProfit="0")["retCode"] == 0
    exchange.mark("BTCUSDT", 639_999)
    (held,) = client.get("/v5/position/list", **LINEAR)["result"]["list"]
    assert (held["side"], held["size"]) == ("", "0")
    assert open_orders(client) == []


def test_batch_has_an_outcome_for_each_order(exchange: Exchange, client: Client) -> None:
    one = {key: value for key, value in LIMIT.items() if key != "category"}
    orders = [one | {"orderLinkId": "b-1"}, one | {"qty": "0"}, one | {"qty": "100"}, one]
    made = client.post("/v5/order/create-batch", category="linear", request=orders)
    codes = [each["code"] for each in made["retExtInfo"]["list"]]
    assert codes == [0, 10001, 110007, 0]
    first, wrong, poor, last = made["result"]["list"]
    assert (first["category"], first["symbol"], first["orderLinkId"]) == (
        "linear", "BTCUSDT", "b-1",
    )  # fmt: skip
    assert (wrong["orderId"], poor["orderId"]) == ("", "")
    assert int(first["createAt"]) > 0
    named = [{"symbol": "BTCUSDT", "orderId": first["orderId"]},
             {"symbol": "BTCUSDT", "orderId": "no such"}]  # fmt: skip
    amended = client.post(
        "/v5/order/amend-batch",
        category="linear",
        request=[each | {"qty": "0.02"} for each in named],
    )
    assert [each["code"] for each in amended["retExtInfo"]["list"]] == [0, 110001]
    named[1]["orderId"] = last["orderId"]
    cancelled = client.post("/v5/order/cancel-batch", category="linear", request=named)
    assert [each["code"] for each in cancelled["retExtInfo"]["list"]] == [0, 0]
    assert [each["orderId"] for each in cancelled["result"]["list"]] == [
        first["orderId"], last["orderId"],
    ]  # fmt: skip
    assert open_orders(client) == []


def test_cancel_all_names_what_it_cancelled(exchange: Exchange, client: Client) -> None:
    orders = {client.create(), client.create(price="64980")}
    stop = client.create(triggerPrice="64000", triggerDirection=2)
    answer = client.post("/v5/order/cancel-all", **LINEAR, orderFilter="Order")
    assert {row["orderId"] for row in answer["result"]["list"]} == orders
    assert answer["result"]["success"] == "1"
    assert [row["orderId"] for row in open_orders(client)] == [stop]
    answer = client.post("/v5/order/cancel-all", category="linear", settleCoin="USDT")
    assert [row["orderId"] for row in answer["result"]["list"]] == [stop]
    (row,) = open_orders(client, orderId=stop)
    assert row["orderStatus"] == "Deactivated"
    nowhere = client.post("/v5/order/cancel-all", category="linear")
    assert nowhere["retCode"] == 10001


def test_pages_go_on_where_the_cursor_says(exchange: Exchange, client: Client) -> None:
    made = [client.create(price=str(64_900 + n)) for n in range(5)]
    seen, cursor = [], ""
    while True:
        page = client.get("/v5/order/realtime", **LINEAR, limit=2, cursor=cursor)["result"]
        seen += [row["orderId"] for row in page["list"]]
        if not (cursor := page["nextPageCursor"]):
            break
    assert seen == made[::-1]
    wrong = client.get("/v5/order/realtime", **LINEAR, cursor="x")
    assert (wrong["retCode"], "cursor 'x'" in wrong["retMsg"]) == (10001, True)


def test_leverage_and_modes_answer_with_the_codes_of_bybit(
    exchange: Exchange, client: Client
) -> None:
    five = {**LINEAR, "buyLeverage": "5", "sellLeverage": "5"}
    assert client.post("/v5/position/set-leverage", **five)["retCode"] == 0
    assert client.post("/v5/position/set-leverage", **five)["retCode"] == 110043
    (held,) = client.get("/v5/position/list", **LINEAR)["result"]["list"]
    assert (held["leverage"], held["size"], held["side"]) == ("5", "0", "")
    uneven = client.post("/v5/position/set-leverage", **five | {"sellLeverage": "6"})
    assert uneven["retCode"] == 10001
    assert client.post("/v5/position/switch-mode", **LINEAR, mode=0)["retCode"] == 110025
    assert client.post("/v5/position/switch-mode", **LINEAR, mode=3)["retCode"] == 10001
    assert (
        client.post("/v5/account/set-margin-mode", setMarginMode="REGULAR_MARGIN")["retCode"] == 0
    )
    assert client.post("/v5/order/disconnected-cancel-all", timeWindow=10)["retCode"] == 0
    assert client.get("/v5/account/info")["result"]["dcpStatus"] == "ON"


def test_account_key_and_fees_are_described(client: Client) -> None:
    key = client.get("/v5/user/query-api")["result"]
    assert (key["apiKey"], key["readOnly"], key["uta"], key["secret"]) == (client.key, 0, 1, "")
    assert client.get("/v5/account/info")["result"]["unifiedMarginStatus"] == 5
    (fees,) = client.get("/v5/account/fee-rate", **LINEAR)["result"]["list"]
    assert (fees["takerFeeRate"], fees["makerFeeRate"]) == ("0.00002", "0")
    assert client.get("/v5/asset/coin/query-info")["result"] == {"rows": []}
    assert client.get("/v5/order/history", category="spot")["result"]["list"] == []


def test_order_without_a_running_exchange_is_not_stored(client: Client) -> None:
    answer = client.post(CREATE, **LIMIT)
    assert (answer["retCode"], "no exchange is running" in answer["retMsg"]) == (10016, True)
    assert not Order.objects.exists()


@pytest.fixture
def recorded_book(btc: Instrument) -> None:
    rest_book(btc, [(SELL, MARK + 1, 50_000)])


def test_slippage_tolerance_bounds_a_market_order(
    recorded_book: None, exchange: Exchange, client: Client
) -> None:
    exchange.provide("BTCUSDT", SELL, MARK + 300, 50_000)
    for kind, tolerance in (("TickSize", "100"), ("Percent", "0.02")):
        bound = {"slippageToleranceType": kind, "slippageTolerance": tolerance}
        order = client.create(**MARKET, qty="0.01", **bound)
        (row,) = open_orders(client, orderId=order)
        assert (row["orderStatus"], row["timeInForce"]) == ("Filled", "IOC"), row
    assert row["price"] == "65013.1"  # 65000.1 and 0.02 %, rounded down
    for tolerance in ("0", "10001", "1.5", "x"):
        bound = {"slippageToleranceType": "TickSize", "slippageTolerance": tolerance}
        assert client.post(CREATE, **LIMIT | MARKET | bound)["retCode"] == 10001
