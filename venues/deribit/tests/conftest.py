"""An exchange with BTC-PERPETUAL, and a client of the door."""

from collections.abc import Iterator

import pytest

from exchange.matching import BUY, SELL
from exchange.tests.trading import Exchange, open_exchange
from instruments.models import Instrument
from venues.deribit.tests.clients import MARK, NAME, Client, listed


@pytest.fixture
def btc() -> Instrument:
    return listed()


@pytest.fixture
def client(btc: Instrument) -> Client:
    return Client()


@pytest.fixture
def exchange(btc: Instrument) -> Iterator[Exchange]:
    """An exchange whose best prices are 64999.5 and 65000.5."""
    with open_exchange(btc) as exchange:
        exchange.provide(NAME, BUY, MARK - 1, 50)
        exchange.provide(NAME, SELL, MARK + 1, 50)
        with exchange.running():
            yield exchange
