"""The words of Deribit: names, numbers, errors, requests, signatures, credits, channels."""

import hashlib
import hmac
from decimal import Decimal

import pytest

from exchange.clearing.orders import Cause, OrderType, State, TriggerDirection
from exchange.engine.messages import BUY, SELL
from instruments.lattice import Lattice
from venues.deribit import channels, numbers, requests, signing, words
from venues.deribit.contracts import Contract
from venues.deribit.credits import Credits, Limit
from venues.deribit.envelopes import answer, news, refusal
from venues.deribit.errors import REJECTIONS, Code, RpcError, invalid, rejection
from venues.deribit.heartbeats import Beat, Heart
from venues.deribit.params import Params
from venues.deribit.traderows import TickDirection, Traded, trade_rows

BTC = Lattice(Decimal("0.1"), Decimal("0.001"))
PERPETUAL = Contract(7, "BTCUSDT", "BTC_USDC-PERPETUAL", "BTC", "USDC", BTC)


@pytest.mark.parametrize(
    ("symbol", "currency", "name"),
    [
        ("BTC-PERPETUAL", "USD", "BTC-PERPETUAL"),
        ("BTCUSDT", "USDT", "BTC_USDC-PERPETUAL"),
        ("ETHUSDT", "USDT", "ETH_USDC-PERPETUAL"),
        ("ES", "USD", None),
        ("EURUSD", "USD", None),
        ("BTCUSDT", "USD", None),
        ("BTC-PERPETUAL", "EUR", None),
    ],
)
def test_perpetuals_have_the_names_of_deribit(symbol: str, currency: str, name: str | None) -> None:
    contract = Contract.of(1, symbol, currency, BTC)
    assert (contract and contract.name) == name


def test_currency_selects_by_base_and_by_settlement() -> None:
    assert PERPETUAL.index_name == "btc_usdc"
    assert [PERPETUAL.is_of(each) for each in ("BTC", "USDC", "any", "ETH", "USD")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_numbers_are_the_floats_nearest_to_the_decimals() -> None:
    assert repr(numbers.price(BTC, 650_001)) == "65000.1"
    assert repr(numbers.amount(BTC, -7)) == "-0.007"
    assert numbers.optional_price(BTC, 0) is None
    assert numbers.money(10_000 * 10**8 + 1) == 10000.00000001
    assert numbers.rate(550) == 0.00055
    assert numbers.percent(-1, 3) == -33.3333
    assert numbers.percent(1, 0) is None
    assert numbers.average_price(BTC, 650_000 * 100 + 650_001 * 200, 300) == 65000.06667
    assert numbers.average_price(BTC, 0, 0) == 0
    assert numbers.notional(BTC, 650_000 * 10) == 650.0


def test_every_rejection_has_a_code() -> None:
    assert {cause for cause in Cause if cause.is_rejection} == set(REJECTIONS)
    assert rejection(Cause.ACCEPTED) is None
    buy, sell = rejection(Cause.PRICE_BAND, BUY), rejection(Cause.PRICE_BAND, SELL)
    assert buy is not None
    assert sell is not None
    assert (buy.code, sell.code) == (Code.PRICE_TOO_HIGH, Code.PRICE_TOO_LOW)


def test_answers_carry_id_and_times() -> None:
    assert answer(5, "ok", 100, 130) == {
        "jsonrpc": "2.0", "id": 5, "result": "ok", "usIn": 100, "usOut": 130, "usDiff": 30,
        "testnet": False,
    }  # fmt: skip
    refused = refusal(None, invalid("amount", "is missing"), 1, 2)
    assert "id" not in refused
    assert refused["error"] == {
        "code": -32602,
        "message": "Invalid params",
        "data": {"reason": "is missing", "param": "amount"},
    }
    assert RpcError(Code.FUNDS).as_json() == {"code": 10009, "message": "not_enough_funds"}
    assert news("quote.X", {"a": 1}) == {
        "jsonrpc": "2.0", "method": "subscription",
        "params": {"channel": "quote.X", "data": {"a": 1}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "request_id"),
    [
        ("{", -32700, None),
        ("[]", -32700, None),
        ('{"method": "public/test"}', -32600, None),
        ('{"id": 1}', -32600, 1),
        ('{"id": true, "method": "public/test"}', -32600, None),
        ('{"id": 2, "jsonrpc": "1.0", "method": "public/test"}', -32600, 2),
        ('{"id": "x", "method": "public/test", "params": [1]}', -32602, "x"),
        ('{"id": 3, "id": 4, "method": "public/test"}', -32700, None),
        ('{"id": 3, "method": "public/test", "params": {"a": NaN}}', -32700, None),
    ],
)
def test_malformed_requests_are_refused(text: str, code: int, request_id: object) -> None:
    with pytest.raises(requests.BadRequestError) as refused:
        requests.parsed(text.encode())
    assert (refused.value.code, refused.value.id) == (code, request_id)


def test_requests_keep_numbers_exact() -> None:
    rpc = requests.parsed(b'{"id": 1, "method": "/private/buy", "params": {"amount": 0.1}}')
    assert (rpc.method, rpc.params.decimal("amount")) == ("private/buy", Decimal("0.1"))


@pytest.mark.parametrize("given", [12.5, "12.5", Decimal("12.5")])
def test_numbers_may_be_texts(given: object) -> None:
    assert Params({"amount": given}).decimal("amount") == Decimal("12.5")


@pytest.mark.parametrize("given", ["NaN", "1_0", " 1", "x", True, [1], "1e999999999999999999999"])
def test_malformed_numbers_name_their_parameter(given: object) -> None:
    with pytest.raises(RpcError) as refused:
        Params({"amount": given}).decimal("amount")
    assert (refused.value.code, refused.value.param) == (Code.INVALID_PARAMS, "amount")


def test_lists_of_a_query_are_read() -> None:
    assert Params({"channels": '["a.b","c"]'}).texts("channels", 5) == ["a.b", "c"]
    assert Params({"channels": ["a"]}).texts("channels", 5) == ["a"]
    with pytest.raises(RpcError):
        Params({"channels": [1]}).texts("channels", 5)


def test_secrets_are_not_shown() -> None:
    shown = repr(Params({"client_id": "me", "client_secret": "hush", "refresh_token": "hush"}))
    assert "hush" not in shown
    assert "me" in shown


def test_signatures_cover_what_deribit_says() -> None:
    assert signing.login_text("1", "n", "") == b"1\nn\n"
    text = signing.request_text("1", "n", "get", "/api/v2/private/buy?a=1", b"")
    assert text == b"1\nn\nGET\n/api/v2/private/buy?a=1\n\n"
    sig = hmac.new(b"secret", text, hashlib.sha256).hexdigest()
    header = signing.signed_header(f"deri-hmac-sha256 id=me,ts=1,sig={sig},nonce=n")
    assert header == ("me", "1", sig, "n")
    with pytest.raises(RpcError, match="has no sig, nonce"):
        signing.signed_header("deri-hmac-sha256 id=me,ts=1")


@pytest.mark.parametrize("stamp", ["", "x", "-1", "1000", "999999999"])
def test_old_signatures_are_refused(stamp: str) -> None:
    signing.check_time("100000", 100_000 + signing.WINDOW_MS)
    with pytest.raises(RpcError) as refused:
        signing.check_time(stamp, 100_000_000)
    assert refused.value.code is Code.CREDENTIALS


def test_credits_come_back_with_time() -> None:
    now = [0.0]
    pools = Credits(clock=lambda: now[0])
    assert [pools.take("me", Limit.REQUESTS) for _ in range(101)] == [True] * 100 + [False]
    assert pools.take("you", Limit.REQUESTS)
    assert pools.take("me", Limit.MATCHING)
    now[0] = 0.1  # two requests' worth
    assert [pools.take("me", Limit.REQUESTS) for _ in range(3)] == [True, True, False]
    now[0] = 1_000.0
    assert [pools.take("me", Limit.REQUESTS) for _ in range(101)] == [True] * 100 + [False]


def test_credits_can_be_scaled_and_removed() -> None:
    now = [0.0]
    half = Credits(0.5, clock=lambda: now[0])
    assert [half.take("me", Limit.MATCHING) for _ in range(11)] == [True] * 10 + [False]
    none = Credits(0, clock=lambda: now[0])
    assert all(none.take("me", Limit.SUBSCRIBE) for _ in range(1_000))


@pytest.mark.parametrize(
    ("name", "kind", "subject", "interval"),
    [
        ("deribit_price_index.btc_usd", channels.Kind.INDEX, "btc_usd", ""),
        ("ticker.BTC-PERPETUAL.100ms", channels.Kind.TICKER, "BTC-PERPETUAL", "100ms"),
        ("book.BTC-PERPETUAL.raw", channels.Kind.BOOK, "BTC-PERPETUAL", "raw"),
        ("quote.X", channels.Kind.QUOTE, "X", ""),
        ("trades.X.agg2", channels.Kind.TRADES, "X", "agg2"),
        ("trades.any.BTC.100ms", channels.Kind.TRADES, "any", "100ms"),
        ("chart.trades.X.1D", channels.Kind.CHART, "X", "1D"),
        ("user.orders.X.raw", channels.Kind.ORDERS, "X", "raw"),
        ("user.orders.any.any.raw", channels.Kind.ORDERS, "any", "raw"),
        ("user.trades.any.any.100ms", channels.Kind.USER_TRADES, "any", "100ms"),
        ("user.portfolio.usdc", channels.Kind.PORTFOLIO, "USDC", ""),
        ("platform_state", channels.Kind.STATE, "", ""),
        ("incremental_ticker.X", channels.Kind.INCREMENTAL_TICKER, "X", ""),
    ],
)
def test_channels_are_read(name: str, kind: channels.Kind, subject: str, interval: str) -> None:
    found = channels.channel(name)
    assert found is not None
    assert (found.name, found.kind, found.subject, found.interval) == (
        name, kind, subject, interval,
    )  # fmt: skip


def test_grouped_books_have_group_and_depth() -> None:
    found = channels.channel("book.BTC-PERPETUAL.10.20.100ms")
    assert found is not None
    assert (found.kind, found.group, found.depth) == (channels.Kind.GROUPED_BOOK, "10", 20)


@pytest.mark.parametrize(
    "name",
    ["", ".", "book", "book.X", "book.X.fast", "book.X.3.20.100ms", "book.X.none.7.100ms",
     "ticker.X", "chart.trades.X.7", "user.orders.X", "user.changes.X.raw", "quote.", "nonsense"],
)  # fmt: skip
def test_unknown_channels_are_not(name: str) -> None:
    assert channels.channel(name) is None


def test_raw_public_channels_need_a_login() -> None:
    names = ("book.X.raw", "book.X.100ms", "user.orders.X.raw")
    found = [channels.channel(name) for name in names]
    assert [each is not None and each.is_raw for each in found] == [True, False, False]


def test_silent_client_is_tested_and_then_disconnected() -> None:
    heart = Heart(10)
    assert [heart.beat() for _ in range(3)] == [Beat.HEARTBEAT, Beat.TEST_REQUEST, Beat.END]


def test_client_that_answers_stays() -> None:
    heart = Heart(10)
    for _ in range(3):
        assert heart.beat() is Beat.HEARTBEAT
        assert heart.beat() is Beat.TEST_REQUEST
        heart.heard()
        heart.tested()
    heart.beat()
    heart.heard()
    assert heart.beat() is Beat.HEARTBEAT


def test_only_public_test_answers_a_test_request() -> None:
    heart = Heart(10)
    heart.beat()
    heart.beat()
    heart.heard()
    assert heart.beat() is Beat.END


@pytest.mark.parametrize(
    ("side", "word", "direction"),
    [
        (BUY, "stop_market", TriggerDirection.RISING),
        (SELL, "stop_limit", TriggerDirection.FALLING),
        (BUY, "take_limit", TriggerDirection.FALLING),
        (SELL, "take_market", TriggerDirection.RISING),
    ],
)
def test_types_say_how_triggers_fire(side: int, word: str, direction: TriggerDirection) -> None:
    kind, gains = words.TYPES[word]
    assert words.trigger_direction(side, gains) is direction
    assert words.order_type(kind, side, direction, is_conditional=True) == word
    assert words.order_type(OrderType.LIMIT, side, 1, is_conditional=False) == "limit"


def test_every_state_has_a_word() -> None:
    assert {words.order_state(each) for each in State} == {
        "open", "filled", "cancelled", "rejected", "untriggered",
    }  # fmt: skip
    assert words.cancel_reason(State.CANCELLED, Cause.CANCELLED) == "user_request"
    assert words.cancel_reason(State.FILLED, Cause.FILLED) is None


def test_tick_directions_follow_the_price() -> None:
    direction = TickDirection(10)
    assert [direction.of(each) for each in (11, 11, 10, 10, 12)] == [0, 1, 2, 3, 0]


def test_trades_are_shown_with_the_mark() -> None:
    (row,) = trade_rows(PERPETUAL, [Traded(3, 1_700_000_000_123_456, 650_001, 10, SELL, 650_000)])
    assert row == {
        "trade_seq": 3, "trade_id": row["trade_id"], "timestamp": 1_700_000_000_123,
        "tick_direction": 0, "price": 65000.1, "mark_price": 65000.0, "index_price": 65000.0,
        "instrument_name": "BTC_USDC-PERPETUAL", "direction": "sell", "amount": 0.01,
        "contracts": 10.0,
    }  # fmt: skip
