"""Paper fills: one test per rule."""

import pytest

from exchange.engine.messages import BUY, SELL
from trading.core.paperbook import PaperBook, PaperFill, PaperOrder, WouldTakeError
from venues.brokers import Style


@pytest.fixture
def book() -> PaperBook:
    """Bids 10 at 99 and 20 at 98, asks 10 at 101 and 20 at 102."""
    book = PaperBook()
    for side, ticks, lots in ((BUY, 99, 10), (BUY, 98, 20), (SELL, 101, 10), (SELL, 102, 20)):
        assert book.change(side, ticks, lots) == []
    return book


def order(name: str, side: int, lots: int, ticks: int, style: Style = Style.LIMIT) -> PaperOrder:
    return PaperOrder(client_id=name, side=side, style=style, lots=lots, ticks=ticks)


def test_a_limit_takes_up_to_its_price_and_rests(book: PaperBook) -> None:
    fills = book.place(order("a", BUY, 15, 101))
    assert fills == [PaperFill("a", 101, 10, is_maker=False)]
    (resting,) = book.resting
    assert (resting.leaves, resting.ahead) == (5, 0)


def test_a_market_order_walks_the_book_and_never_rests(book: PaperBook) -> None:
    fills = book.place(order("a", SELL, 100, 0, Style.MARKET))
    assert [(fill.ticks, fill.lots) for fill in fills] == [(99, 10), (98, 20)]
    assert book.resting == []


def test_a_lot_of_the_venue_is_taken_once(book: PaperBook) -> None:
    book.place(order("a", BUY, 8, 101))
    assert [fill.lots for fill in book.place(order("b", BUY, 8, 101))] == [2]


def test_post_only_is_refused_if_it_crosses(book: PaperBook) -> None:
    with pytest.raises(WouldTakeError, match="at 101 would trade at 101"):
        book.place(order("a", BUY, 1, 101, Style.POST_ONLY))
    assert book.place(order("b", BUY, 1, 100, Style.POST_ONLY)) == []


def test_trades_take_what_is_ahead_first(book: PaperBook) -> None:
    book.place(order("a", BUY, 5, 99))
    assert book.trade(SELL, 99, 10) == []
    book.change(BUY, 99, 0)
    assert book.trade(SELL, 99, 3) == [PaperFill("a", 99, 3, is_maker=True)]


def test_one_trade_fills_its_lots_once(book: PaperBook) -> None:
    book.place(order("a", BUY, 5, 99))
    book.place(order("b", BUY, 5, 99))
    fills = book.trade(SELL, 99, 17)
    assert [(fill.client_id, fill.lots) for fill in fills] == [("a", 5), ("b", 2)]


def test_cancellations_are_spread_over_the_level(book: PaperBook) -> None:
    book.place(order("a", BUY, 5, 99))
    book.change(BUY, 99, 30)  # 20 more behind it
    book.change(BUY, 99, 15)  # half is cancelled
    (resting,) = book.resting
    assert resting.ahead == 5


def test_a_change_that_trades_explain_is_no_cancellation(book: PaperBook) -> None:
    book.place(order("a", BUY, 5, 99))
    book.trade(SELL, 99, 4)
    book.change(BUY, 99, 6)
    (resting,) = book.resting
    assert resting.ahead == 6


def test_a_trade_beyond_the_price_fills(book: PaperBook) -> None:
    book.place(order("a", BUY, 5, 99))
    assert book.trade(SELL, 98, 7) == [PaperFill("a", 99, 5, is_maker=True)]


def test_a_level_that_crosses_fills_at_our_price(book: PaperBook) -> None:
    book.place(order("a", BUY, 5, 100))
    assert book.change(SELL, 99, 3) == [PaperFill("a", 100, 3, is_maker=True)]
    assert book.place(order("b", BUY, 1, 99)) == []  # that level is taken


def test_reducing_keeps_the_place(book: PaperBook) -> None:
    book.place(order("a", BUY, 5, 99))
    book.trade(SELL, 99, 8)
    book.reduce("a", 3)
    (resting,) = book.resting
    assert (resting.ahead, resting.leaves) == (2, 3)
    with pytest.raises(ValueError, match="4 lots: use 1 to 3"):
        book.reduce("a", 4)


def test_cancelled_orders_do_not_fill(book: PaperBook) -> None:
    book.place(order("a", BUY, 5, 100))
    assert book.cancel("a") is not None
    assert book.cancel("a") is None
    assert book.trade(SELL, 98, 100) == []
