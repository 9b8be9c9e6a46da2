"""The feed of Deribit follows our own door, over real sockets."""

import asyncio
from decimal import Decimal

import pytest
from pytest_django import Settings

from exchange.engine.messages import BUY, SELL
from instruments.lattice import Lattice
from rig.waiting import PATIENCE_S
from venues import adapters
from venues.deribit.client.addresses import socket_below
from venues.deribit.client.books import BookCheck, SkippedError
from venues.deribit.client.parsing import contract_of, minutes_of
from venues.deribit.door import door
from venues.deribit.sockets.tests.test_channels import Tape
from venues.deribit.tests.clients import MARK, NAME, listed
from venues.feeds.events import Delta, FeedError, Level, Minute, Print, Snapshot, Trades
from venues.tests.books import rest_book
from venues.tests.markets import in_thread
from venues.tests.serving import serving

LATTICE = Lattice(Decimal("0.5"), Decimal("0.1"))


@pytest.mark.django_db(transaction=True)
async def test_feed_has_the_book_and_the_trades_of_the_door(settings: Settings) -> None:
    settings.DERIBIT_LIMIT_FACTOR = 0.0
    instrument = await in_thread(lambda: listed(trades=0))
    await in_thread(rest_book, instrument, [(BUY, MARK - 1, 50)])
    tape = Tape(instrument)
    seen: list[Print] = []
    await tape.trade((0, MARK, 5, BUY))
    async with (
        serving(door()) as url,
        asyncio.timeout(PATIENCE_S),
        adapters.feed_of("deribit", url)() as feed,
    ):
        contract = await feed.contract(NAME)
        assert contract.lattice == instrument.lattice
        with pytest.raises(FeedError, match="13020"):
            await feed.contract("NONE-PERPETUAL")
        async for event in feed.events(contract, 200):
            if isinstance(event, Snapshot):
                assert event.levels == [Level(BUY, MARK - 1, 50)]
                await tape.trade((1, MARK - 1, 3, SELL))
            if isinstance(event, Trades):
                seen += event.prints
                break
        assert (await feed.recent(contract))[1:] == seen
    assert [(each.ticks, each.lots, each.side) for each in seen] == [(MARK - 1, 3, SELL)]


def test_books_without_a_message_must_be_read_again() -> None:
    check = BookCheck(LATTICE)
    first = {"type": "snapshot", "timestamp": 1, "change_id": 7, "asks": [],
             "bids": [["new", 10.5, 0.3]]}  # fmt: skip
    later = {"type": "change", "timestamp": 2, "change_id": 9, "prev_change_id": 7, "asks": [],
             "bids": [["delete", 10.5, 0.0]]}  # fmt: skip
    assert check.take(later) is None
    assert check.take(first) == Snapshot(1_000, [Level(1, 21, 3)])
    assert check.take(later) == Delta(2_000, [Level(1, 21, 0)])
    with pytest.raises(SkippedError, match="follows 7, the last one was 9"):
        check.take(later)


def test_candles_are_closed_ones() -> None:
    columns = {name: [10.5, 11.0] for name in ("open", "high", "low", "close")}
    chart: dict[str, list[float]] = {
        "ticks": [0, 60_000],
        "volume": [0.30000000000000004, 1],
        **columns,
    }
    assert minutes_of(LATTICE, chart, now_ms=119_999) == [Minute(0, 21, 21, 21, 21, 3)]


@pytest.mark.parametrize(
    "changes", [{"instrument_type": "reversed"}, {"kind": "option"}, {"settlement_currency": "BTC"}]
)
def test_contracts_that_are_not_linear_are_refused(changes: dict[str, str]) -> None:
    row = {
        "instrument_name": "X", "kind": "future", "instrument_type": "linear",
        "settlement_currency": "USDC", "quote_currency": "USDC", "tick_size": 0.5,
        "min_trade_amount": 0.1,
    }  # fmt: skip
    assert contract_of(row).lattice == LATTICE
    with pytest.raises(FeedError, match="use a linear future"):
        contract_of(row | changes)


def test_addresses() -> None:
    expected = "ws://127.0.0.1:8000/deribit/ws/api/v2"
    for url in ("http://127.0.0.1:8000/deribit", "ws://127.0.0.1:8000/deribit/", expected):
        assert socket_below(url) == expected
    with pytest.raises(FeedError, match="is not an address"):
        adapters.feed_of("deribit", "127.0.0.1")
