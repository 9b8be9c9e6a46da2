"""Our client of Bybit's public data: messages as documented, books that skip, limits."""

from decimal import Decimal

import pytest

from exchange.engine.messages import BUY, SELL
from instruments.lattice import Lattice
from venues.bybit.client.addresses import Addresses
from venues.bybit.client.books import BookCheck
from venues.bybit.client.pacing import Pacer
from venues.bybit.client.parsing import contract_of, live_print, minutes_of, recent_print
from venues.feeds.events import Delta, FeedError, Level, Minute, Snapshot, key_of
from venues.feeds.numbering import MOST_LEFT_OUT, SkippedError

LATTICE = Lattice(Decimal("0.10"), Decimal("0.001"))
# The examples of Bybit's documentation.
SNAPSHOT = {
    "topic": "orderbook.50.BTCUSDT", "type": "snapshot", "ts": 1672304484978,
    "data": {
        "s": "BTCUSDT", "b": [["16493.50", "0.006"], ["16493.00", "0.100"]],
        "a": [["16611.00", "0.029"], ["16612.00", "0.213"]], "u": 18521288, "seq": 7961638724,
    }, "cts": 1672304484976,
}  # fmt: skip
DELTA = {
    "topic": "orderbook.50.BTCUSDT", "type": "delta", "ts": 1687940967466,
    "data": {
        "s": "BTCUSDT", "b": [["30247.20", "30.028"], ["30239.90", "0"]],
        "a": [["30248.70", "0"], ["30249.30", "0.892"]], "u": 177400507, "seq": 66544703342,
    }, "cts": 1687940967464,
}  # fmt: skip
TRADE = {
    "T": 1672304486865, "s": "BTCUSDT", "S": "Buy", "v": "0.001", "p": "16578.50",
    "L": "PlusTick", "i": "20f43950-d8dd-5b31-9112-a178eb6023af", "BT": False, "seq": 1783284617,
}  # fmt: skip
RECENT = {
    "execId": "2100000000007764263", "symbol": "BTCUSDT", "price": "16618.50", "size": "0.012",
    "side": "Sell", "time": "1672052955758", "isBlockTrade": False, "isRPITrade": True,
    "seq": "123456",
}  # fmt: skip
KLINES = [
    ["1670608860000", "17071", "17073", "17027", "17055.5", "268.611", "15.74462667"],
    ["1670608800000", "17071.5", "17071.5", "17061", "17071", "4.177", "0.24469757"],
]  # newest first


def delta(update, sequence=66544703342, kind="delta"):
    return {**DELTA, "type": kind, "data": {**DELTA["data"], "u": update, "seq": sequence}}


def test_documented_messages_of_a_book_are_read():
    check = BookCheck(LATTICE)
    assert check.take(SNAPSHOT) == Snapshot(
        1672304484976000,
        [Level(BUY, 164935, 6), Level(BUY, 164930, 100), Level(SELL, 166110, 29),
         Level(SELL, 166120, 213)],
    )  # fmt: skip
    assert check.take(delta(18521289)) == Delta(
        1687940967464000,
        [Level(BUY, 302472, 30028), Level(BUY, 302399, 0), Level(SELL, 302487, 0),
         Level(SELL, 302493, 892)],
    )  # fmt: skip


@pytest.mark.parametrize("update", [18521288, 18521290])
def test_a_delta_that_does_not_follow_is_reported(update):
    check = BookCheck(LATTICE)
    check.take(SNAPSHOT)
    with pytest.raises(SkippedError, match=f"update {update} follows 18521288"):
        check.take(delta(update))


def test_a_sequence_that_goes_back_is_reported():
    check = BookCheck(LATTICE)
    check.take(SNAPSHOT)
    with pytest.raises(SkippedError, match="sequence 5 follows"):
        check.take(delta(18521289, 5))


def test_deltas_before_the_snapshot_are_left_out():
    check = BookCheck(LATTICE)
    assert check.take(DELTA) is None
    check.take(SNAPSHOT)
    check.forget()
    assert check.take(delta(18521289)) is None


def test_update_1_replaces_the_book_after_a_restart_of_the_venue():
    check = BookCheck(LATTICE)
    check.take(SNAPSHOT)
    assert isinstance(check.take(delta(1, 3)), Snapshot)
    assert isinstance(check.take(delta(2, 4)), Delta)


def test_documented_trades_are_read():
    live, recent = live_print(LATTICE, TRADE), recent_print(LATTICE, RECENT)
    assert live == (key_of(TRADE["i"]), 1672304486865000, 165785, 1, BUY)
    assert recent == (key_of("2100000000007764263"), 1672052955758000, 166185, 12, SELL)


def test_candles_are_read_oldest_first_without_the_open_one():
    (first,) = minutes_of(LATTICE, KLINES, 1670608919999)
    assert first == Minute(1670608800000000, 170715, 170715, 170610, 170710, 4177)
    assert len(minutes_of(LATTICE, KLINES, 1670608920000)) == 2


def test_a_price_between_two_ticks_stops_the_feed():
    with pytest.raises(FeedError, match=r"price 16578\.55 is not a multiple of 0\.10"):
        live_print(LATTICE, {**TRADE, "p": "16578.55"})


def test_an_unknown_contract_is_named():
    row = {"symbol": "BTCUSDT", "priceFilter": {"tickSize": "0.10"}, "quoteCoin": "USDT",
           "lotSizeFilter": {"qtyStep": "0.001"}}  # fmt: skip
    assert contract_of("BTCUSDT", [row]).lattice == LATTICE
    with pytest.raises(FeedError, match="no linear contract NOPE"):
        contract_of("NOPE", [row])


def test_one_address_serves_both_protocols():
    assert Addresses.below("https://h:1/bybit/") == Addresses(
        "https://h:1/bybit", "wss://h:1/bybit"
    )
    with pytest.raises(ValueError, match="is not an address"):
        Addresses.below("ftp://h")


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def headers(limit, left, reset_ms=0):
    return {"X-Bapi-Limit": str(limit), "X-Bapi-Limit-Status": str(left),
            "X-Bapi-Limit-Reset-Timestamp": str(reset_ms)}  # fmt: skip


def test_requests_wait_for_the_limit_of_their_path():
    clock = Clock()
    pacer = Pacer(clock)
    pacer.learn("/a", headers(2, 1), 0)
    for _ in range(2):
        assert pacer.delay("/a") == 0
        pacer.sent("/a")
    assert pacer.delay("/a") == pytest.approx(1.0)
    assert pacer.delay("/b") == 0
    clock.now += 1.0
    assert pacer.delay("/a") == 0


def test_a_path_without_requests_left_waits_for_its_reset():
    pacer = Pacer(Clock())
    pacer.learn("/a", headers(10, 0, 5_400), 5_000)
    assert pacer.delay("/a") == pytest.approx(0.4)


def test_all_paths_share_the_limit_of_the_address():
    clock = Clock()
    pacer = Pacer(clock)
    for number in range(600):
        pacer.sent(f"/{number}")
    assert pacer.delay("/new") == pytest.approx(5.0)


def test_a_book_whose_snapshot_does_not_come_is_asked_for_again():
    check = BookCheck(LATTICE)
    for update in range(MOST_LEFT_OUT):
        assert check.take(delta(update + 2)) is None
    with pytest.raises(SkippedError, match="100 updates came without a snapshot"):
        check.take(delta(9))
    assert check.take(delta(10)) is None
