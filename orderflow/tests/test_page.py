"""What the server puts into the order-flow page."""

from decimal import Decimal

import pytest
from django.test import Client

from instruments.models import Instrument
from market.timeframes import TIMEFRAMES
from rig.histories import make_instrument, make_ticks, record
from rig.modules import run_module

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
PAGE = "/instruments/BTCUSDT/orderflow/"


@pytest.fixture
def bitcoin() -> Instrument:
    return Instrument.objects.create(
        symbol="BTCUSDT", name="Bitcoin", tick_size=Decimal("0.10"), lot_size=Decimal("0.001"),
        has_book=True,
    )  # fmt: skip


def test_page_names_the_sizes_that_its_scripts_need(client: Client, bitcoin: Instrument) -> None:
    page = client.get(PAGE).content.decode()
    for attribute in ('data-symbol="BTCUSDT"', 'data-tick-size="0.1"', 'data-lot-size="0.001"',
                      'data-lot-decimals="3"', 'data-last-trade="0"'):  # fmt: skip
        assert attribute in page
    assert [name for name in TIMEFRAMES if f'data-timeframe="{name}"' in page] == list(TIMEFRAMES)
    assert "The order flow needs JavaScript." in page
    assert f'href="{PAGE}"' in client.get("/instruments/BTCUSDT/").content.decode()


def test_what_has_no_book_has_no_order_flow(client: Client) -> None:
    make_instrument("NQ")
    for symbol, reason in (("NQ", "NQ has no order book"), ("XX", "There is no instrument XX.")):
        answer = client.get(f"/instruments/{symbol}/orderflow/")
        assert answer.status_code == 404
        assert reason in answer.content.decode()
    assert "orderflow" not in client.get("/instruments/NQ/").content.decode()


def test_trades_recorded_from_a_venue_have_an_order_flow(client: Client) -> None:
    recorded = make_instrument("BTCUSDT.BYBIT", "0.1")
    record(make_ticks(recorded, 3), trades=1)
    page = f"/instruments/{recorded.symbol}/orderflow/"
    assert client.get(page).status_code == 200
    assert f'href="{page}"' in client.get(f"/instruments/{recorded.symbol}/").content.decode()


@pytest.mark.processes
def test_page_offers_the_choices_that_its_scripts_know(client: Client, bitcoin: Instrument) -> None:
    page = client.get(PAGE).content.decode()
    known = run_module(
        """const { CELLS, FITS, LAYERS, PROFILES, SCALES, SPEEDS, readSettings } =
          await import("./orderflow/settings.js");
        const values = [...CELLS, ...FITS, ...LAYERS, ...PROFILES, ...SCALES,
          ...SPEEDS.map(String)];
        return { values, names: Object.keys(readSettings("")) };"""
    )
    assert [value for value in known["values"] if f'value="{value}"' not in page] == []
    by_key = {"timeframe", "profile_from", "profile_to", "anchor", "from", "to", "replay"}
    missing = {name for name in known["names"] if f'data-setting="{name}"' not in page}
    assert missing == by_key
