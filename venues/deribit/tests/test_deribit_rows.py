"""Rows of orders and positions, and tokens: what needs no database."""

import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from exchange.accounts.listings import Held
from exchange.clearing.orders import Cause, OrderType, State, TriggerBy, TriggerDirection
from exchange.engine.messages import BUY, SELL, TimeInForce
from exchange.models import Order
from instruments.lattice import Lattice
from instruments.models import Instrument
from venues.deribit import tokens
from venues.deribit.accounts.orderrows import order_row
from venues.deribit.accounts.positionrows import position_row
from venues.deribit.contracts import Contract
from venues.deribit.errors import Code, RpcError
from venues.deribit.listed import Listed
from venues.deribit.market.instruments import instrument_row
from venues.deribit.sockets.prices import widened

LATTICE = Lattice(Decimal("0.1"), Decimal("0.001"))
CONTRACT = Contract(7, "BTCUSDT", "BTC_USDC-PERPETUAL", "BTC", "USDC", LATTICE)
AT = datetime(2026, 1, 1, tzinfo=UTC)
AT_MS = 1_767_225_600_000


def listed() -> Listed:
    instrument = Instrument(
        pk=7, symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001")
    )
    return Listed(instrument, CONTRACT)


def order(**fields: object) -> Order:
    usual = {
        "pk": 5, "instrument_id": 7, "side": BUY, "type": OrderType.LIMIT, "lots": 10,
        "ticks": 649_900, "tif": TimeInForce.GTC, "state": State.NEW, "label": "mine",
        "created_at": AT, "updated_at": AT,
    }  # fmt: skip
    return Order(**usual | fields)


def test_open_limit_order() -> None:
    assert order_row(order(filled=4, value=4 * 649_900), CONTRACT) == {
        "order_id": "5", "instrument_name": "BTC_USDC-PERPETUAL", "direction": "buy",
        "order_type": "limit", "order_state": "open", "time_in_force": "good_til_cancelled",
        "price": 64990.0, "amount": 0.01, "contracts": 10.0, "filled_amount": 0.004,
        "average_price": 64990.0, "max_show": 0.01, "label": "mine", "post_only": False,
        "reject_post_only": False, "reduce_only": False, "risk_reducing": False,
        "replaced": False, "is_liquidation": False, "mmp": False, "api": True, "web": False,
        "mobile": False, "creation_timestamp": AT_MS, "last_update_timestamp": AT_MS,
    }  # fmt: skip


def test_market_order_has_no_price() -> None:
    row = order_row(order(type=OrderType.MARKET, ticks=0, state=State.FILLED), CONTRACT)
    assert (row["price"], row["order_type"], row["order_state"]) == (
        "market_price", "market", "filled",
    )  # fmt: skip


def test_stop_order_shows_its_trigger() -> None:
    stop = order(
        side=SELL, type=OrderType.MARKET, ticks=0, trigger_ticks=640_000,
        trigger_by=TriggerBy.MARK, trigger_direction=TriggerDirection.FALLING,
        state=State.UNTRIGGERED,
    )  # fmt: skip
    row = order_row(stop, CONTRACT)
    known = {"order_type": "stop_market", "trigger": "mark_price", "trigger_price": 64000.0,
             "order_state": "untriggered", "triggered": False}  # fmt: skip
    assert row | known == row


@pytest.mark.parametrize(
    ("state", "cause", "word", "reason"),
    [
        (State.CANCELLED, Cause.CANCELLED, "cancelled", "user_request"),
        (State.REJECTED, Cause.NOT_FILLABLE, "cancelled", "no_liquidity"),
        (State.REJECTED, Cause.INSUFFICIENT_MARGIN, "rejected", None),
    ],
)
def test_closed_orders_say_why(state: State, cause: Cause, word: str, reason: str | None) -> None:
    row = order_row(order(state=state, cause=cause), CONTRACT)
    assert (row["order_state"], row.get("cancel_reason")) == (word, reason)


def test_short_position_is_negative_and_sells() -> None:
    held = Held(
        instrument=listed().instrument, lots=-10, cost=-650 * 10**8, leverage=10, mark=650_000,
        unrealised=0, margin=10**8, liquidation=700_000, realised=5 * 10**8, fees=0,
        funding=-(10**8),
    )  # fmt: skip
    row = position_row(held, listed())
    known = {
        "instrument_name": "BTC_USDC-PERPETUAL", "direction": "sell", "size": -0.01,
        "average_price": 65000.0, "mark_price": 65000.0, "initial_margin": 65.0,
        "maintenance_margin": 1.0, "estimated_liquidation_price": 70000.0, "leverage": 10,
        "realized_profit_loss": 5.0, "realized_funding": -1.0, "total_profit_loss": 4.0,
    }  # fmt: skip
    assert row | known == row


def test_instruments_are_linear_perpetuals() -> None:
    row = instrument_row(listed())
    known = {
        "instrument_name": "BTC_USDC-PERPETUAL", "kind": "future", "base_currency": "BTC",
        "counter_currency": "USDC", "settlement_currency": "USDC", "settlement_period": "perpetual",
        "instrument_type": "linear", "tick_size": 0.1, "min_trade_amount": 0.001,
        "contract_size": 0.001, "is_active": True, "price_index": "btc_usdc",
    }  # fmt: skip
    assert row | known == row


CONNECTION = tokens.Grant("key", "", "c1", can_trade=True)
SESSION = tokens.Grant("key", "mine", "", can_trade=False, lasts_s=60)


def test_token_of_a_connection_is_valid_only_there() -> None:
    issued = tokens.issued(CONNECTION)
    assert (
        issued["scope"] == "account:read block_trade:none connection trade:read_write wallet:none"
    )
    assert (issued["token_type"], issued["expires_in"]) == ("bearer", tokens.ACCESS_S)
    assert tokens.read(issued["access_token"], "access", "c1") == CONNECTION
    for elsewhere in ("c2", ""):
        with pytest.raises(RpcError, match="only on the connection"):
            tokens.read(issued["access_token"], "access", elsewhere)


def test_token_of_a_session_is_valid_everywhere() -> None:
    issued = tokens.issued(SESSION)
    assert "session:mine trade:read " in issued["scope"]
    for anywhere in ("c2", ""):
        assert tokens.read(issued["access_token"], "access", anywhere) == SESSION


def test_tokens_have_one_use() -> None:
    issued = tokens.issued(SESSION)
    with pytest.raises(RpcError, match="this is no access token"):
        tokens.read(issued["refresh_token"], "access", "")
    with pytest.raises(RpcError, match="this is no refresh token"):
        tokens.read(issued["access_token"], "refresh", "")


def test_tokens_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    issued = tokens.issued(SESSION)
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(RpcError, match="expired") as refused:
        tokens.read(issued["access_token"], "access", "")
    assert refused.value.code is Code.UNAUTHORIZED
    assert tokens.read(issued["refresh_token"], "refresh", "") == SESSION


@pytest.mark.parametrize("token", ["", "x", "a:b:c"])
def test_forged_tokens_are_refused(token: str) -> None:
    with pytest.raises(RpcError, match="not one of this site"):
        tokens.read(token, "access", "")


def test_scope_limits_the_life_of_a_token() -> None:
    assert tokens.lifetime(["trade:read", "expires:60"]) == 60
    with pytest.raises(RpcError):
        tokens.lifetime(["expires:0"])


def test_range_of_the_day_contains_a_newer_price() -> None:
    day = {"high": 100.5, "low": 99.5, "volume": 1.0}
    assert widened(day, 101.0) == {**day, "high": 101.0}
    assert widened(day, 9.0) == {**day, "low": 9.0}
    assert widened({**day, "high": None, "low": None}, None)["high"] is None
