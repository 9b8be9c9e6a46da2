"""An exchange with BTCUSDT, and a client of the door."""

from collections.abc import Iterator

import pytest

from exchange.matching import BUY, SELL
from exchange.tests.trading import Exchange, open_exchange
from instruments.models import Instrument
from venues.bybit.tests.clients import MARK, Client, listed


@pytest.fixture
def btc() -> Instrument:
    return listed()


@pytest.fixture
def client(btc: Instrument) -> Client:
    return Client()


@pytest.fixture
def exchange(btc: Instrument) -> Iterator[Exchange]:
    """An exchange whose best prices are 64999.9 and 65000.1."""
    with open_exchange(btc) as exchange:
        exchange.provide("BTCUSDT", BUY, MARK - 1, 50_000)
        exchange.provide("BTCUSDT", SELL, MARK + 1, 50_000)
        with exchange.running():
            yield exchange
