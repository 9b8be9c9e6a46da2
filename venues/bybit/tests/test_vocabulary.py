"""The words of Bybit: numbers, symbols, signatures, codes, limits."""

from decimal import Decimal

import pytest

from exchange.clearing.orders import Cause
from instruments.lattice import Lattice
from venues.bybit import numbers, signing
from venues.bybit.envelopes import envelope, outcome, refusal
from venues.bybit.errors import REJECTIONS, UNKNOWN_LATER, BybitError, RetCode, rejection
from venues.bybit.limits import Limit, Windows
from venues.bybit.symbols import is_linear

BTC = Lattice(Decimal("0.1"), Decimal("0.001"))


def test_prices_and_quantities_have_all_decimals_of_their_steps() -> None:
    assert numbers.price_text(BTC, 650_001) == "65000.1"
    assert numbers.price_text(BTC, 650_000) == "65000.0"
    assert numbers.price_text(Lattice(Decimal(5)), 3) == "15"
    assert numbers.quantity_text(BTC, 100) == "0.100"
    assert numbers.quantity_text(BTC, -7) == "-0.007"
    assert numbers.quantity_text(BTC, 0) == "0"
    assert numbers.optional_price(BTC, 0) == ""


def test_money_and_rates_have_no_trailing_zeros_and_no_exponent() -> None:
    assert numbers.money_text(10_000 * 10**8) == "10000"
    assert numbers.money_text(-1) == "-0.00000001"
    assert numbers.ppm_text(550) == "0.00055"
    assert numbers.ppm_text(0) == "0"
    assert numbers.ratio_text(-1, 3) == "-0.333333"
    assert numbers.ratio_text(1, 0) == "0"


def test_values_and_averages_are_exact() -> None:
    value = 650_000 * 100 + 650_001 * 200  # ticks * lots
    assert numbers.value_text(BTC, value) == "19500.02"
    assert numbers.average_price(BTC, value, 300) == "65000.06667"
    assert numbers.average_price(BTC, 0, 0) == ""


@pytest.mark.parametrize(
    ("name", "currency", "is_one"),
    [
        ("BTCUSDT", "USDT", True),
        ("ES", "USD", False),
        ("BTC-PERPETUAL", "USD", False),
        ("BTCUSDT", "USD", False),
        ("USDT", "USDT", False),
    ],
)
def test_linear_perpetuals_are_named_by_their_coins(name: str, currency: str, is_one: bool) -> None:
    assert is_linear(name, currency) is is_one


def test_signature_covers_the_bytes_as_sent() -> None:
    text = signing.request_text("1700000000000", "key", "5000", b'{"a": "1"}')
    assert text == b'1700000000000key5000{"a": "1"}'
    assert signing.signature("secret", text) != signing.signature("secret", text[:-1])
    assert signing.login_text("1700000001000") == b"GET/realtime1700000001000"


@pytest.mark.parametrize(
    ("timestamp", "is_inside"), [(5_000, True), (4_999, False), (10_999, True), (11_000, False)]
)
def test_window_is_five_seconds_back_and_one_ahead(timestamp: int, is_inside: bool) -> None:
    assert signing.is_in_window(10_000, timestamp, 5_000) is is_inside


def test_every_cause_of_a_rejection_has_a_code() -> None:
    rejections = {cause for cause in Cause if cause.is_rejection}
    assert rejections == set(REJECTIONS) | UNKNOWN_LATER
    assert rejection(Cause.WOULD_TAKE) is None
    assert rejection(Cause.ACCEPTED) is None
    refused = rejection(Cause.INSUFFICIENT_MARGIN)
    assert refused is not None
    assert (refused.code, refused.text) == (110007, "ab not enough for new order")


def test_envelopes_have_the_members_that_clients_read() -> None:
    assert envelope({"a": 1}, 5) == {
        "retCode": 0, "retMsg": "OK", "result": {"a": 1}, "retExtInfo": {}, "time": 5,
    }  # fmt: skip
    error = BybitError(RetCode.API_KEY)
    assert refusal(error, 5)["retCode"] == 10003
    assert outcome(error) == {"code": 10003, "msg": "API key is invalid."}


def test_limit_counts_requests_of_a_client_in_a_window() -> None:
    now = 100.2
    windows = Windows(clock=lambda: now)
    used = [windows.take("me", Limit.CREATE) for _ in range(11)]
    assert [each.left for each in used[:3]] == [9, 8, 7]
    assert [each.is_exceeded for each in used] == [False] * 10 + [True]
    assert used[-1].reset_ms == 101_000
    assert not windows.take("other", Limit.CREATE).is_exceeded
    assert not windows.take("me", Limit.CANCEL).is_exceeded
    now = 101.0
    assert not windows.take("me", Limit.CREATE).is_exceeded


def test_limits_can_be_scaled_and_switched_off() -> None:
    many = Windows(factor=2, clock=lambda: 100.0)
    assert [many.take(1, Limit.CREATE).is_exceeded for _ in range(21)] == [False] * 20 + [True]
    none = Windows(factor=0, clock=lambda: 100.0)
    assert not any(none.take(1, Limit.CREATE).is_exceeded for _ in range(1_000))
