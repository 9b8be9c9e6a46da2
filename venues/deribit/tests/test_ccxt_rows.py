"""What unmodified ccxt makes of rows of this door."""

from decimal import Decimal

import ccxt
import pytest

from exchange.clearing.orders import OrderType, State
from exchange.engine.messages import BUY, SELL, TimeInForce
from exchange.models import Order
from instruments.lattice import Lattice
from instruments.models import Instrument
from market.times import from_microseconds
from venues.deribit.accounts.orderrows import order_row
from venues.deribit.contracts import Contract
from venues.deribit.listed import Listed
from venues.deribit.market.instruments import currency_row, instrument_row
from venues.deribit.traderows import Traded, trade_rows

AT = 1_767_225_600_000_000


def listed(symbol: str, currency: str, tick_size: str, lot_size: str) -> Listed:
    lattice = Lattice(Decimal(tick_size), Decimal(lot_size))
    contract = Contract.of(7, symbol, currency, lattice)
    assert contract is not None
    return Listed(Instrument(pk=7, symbol=symbol), contract)


BTC = listed("BTC-PERPETUAL", "USD", "0.5", "1")
ETHER = listed("ETHUSDT", "USDT", "0.01", "0.01")


@pytest.fixture(scope="module")
def exchange() -> ccxt.deribit:
    """Return ccxt with the markets of this door."""
    client = ccxt.deribit()
    rows = {"result": [instrument_row(each) for each in (BTC, ETHER)]}
    client.publicGetGetInstruments = lambda params: rows
    currencies = {"result": [currency_row(each) for each in ("BTC", "ETH", "USD", "USDC")]}
    client.publicGetGetCurrencies = lambda params: currencies
    client.load_markets()
    return client


def test_markets_are_linear_swaps(exchange: ccxt.deribit) -> None:
    assert sorted(exchange.markets) == ["BTC/USD:USD", "ETH/USDC:USDC"]
    market = exchange.market("BTC-PERPETUAL")
    assert (market["linear"], market["inverse"], market["swap"]) == (True, False, True)
    assert (market["precision"]["price"], market["limits"]["amount"]["min"]) == (0.5, 1.0)


def test_orders_keep_amount_price_and_cost(exchange: ccxt.deribit) -> None:
    order = Order(
        pk=5, instrument_id=7, side=BUY, type=OrderType.LIMIT, lots=10, ticks=340_000,
        tif=TimeInForce.GTC, state=State.PARTIALLY_FILLED, filled=4, value=4 * 340_000,
        created_at=from_microseconds(AT), updated_at=from_microseconds(AT),
    )  # fmt: skip
    found = exchange.parse_order(order_row(order, ETHER.contract))
    known = {"symbol": "ETH/USDC:USDC", "side": "buy", "type": "limit", "price": 3400.0,
             "amount": 0.1, "filled": 0.04, "remaining": 0.06, "cost": 136.0, "status": "open",
             "timeInForce": "GTC", "timestamp": AT // 1000}  # fmt: skip
    assert {name: found[name] for name in known} == known


def test_trades_cost_amount_times_price(exchange: ccxt.deribit) -> None:
    (row,) = trade_rows(BTC.contract, [Traded(3, AT, 130_001, 2, SELL, 130_000)])
    found = exchange.parse_trade(row)
    known = {"symbol": "BTC/USD:USD", "side": "sell", "price": 65000.5, "amount": 2.0,
             "cost": 130001.0, "timestamp": AT // 1000}  # fmt: skip
    assert {name: found[name] for name in known} == known
