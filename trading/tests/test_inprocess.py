"""The broker of the exchange, with the real desk, engine and ledger."""

from collections.abc import Iterator

import pytest
from asgiref.sync import sync_to_async
from django.db.models import Sum

from exchange.clearing.ledger import LedgerCause
from exchange.matching import BUY, SELL
from exchange.models import Account, LedgerEntry, Order
from exchange.tests.clients import MARK, funded, listed
from exchange.tests.trading import Exchange, open_exchange
from instruments.models import Instrument
from trading.brokers.inprocess import ExchangeBroker
from trading.core.profits import Fill, FirstInFirstOut, ProfitAndLoss
from venues.brokers import (
    Broker,
    Cursor,
    ExecutionSeen,
    Instruction,
    NotSentError,
    OrderSeen,
    RefusedError,
    Style,
    UnknownOutcomeError,
    VenueState,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def es() -> Instrument:
    return listed("ES")


@pytest.fixture
def account(es: Instrument) -> Account:
    return funded()


@pytest.fixture
def idle(es: Instrument) -> Iterator[Exchange]:
    """An exchange with 50 lots at each best price, which executes nothing by itself."""
    with open_exchange(es) as exchange:
        exchange.provide("ES", BUY, MARK - 1, 50)
        exchange.provide("ES", SELL, MARK + 1, 50)
        yield exchange


@pytest.fixture
def exchange(idle: Exchange) -> Iterator[Exchange]:
    with idle.running():
        yield idle


@pytest.fixture
def broker(account: Account) -> Iterator[ExchangeBroker]:
    broker = ExchangeBroker(account, poll_s=0.005)
    yield broker
    broker.close()


def limit(client_id: str, side: int, lots: int, ticks: int) -> Instruction:
    return Instruction(
        client_id=client_id, symbol="ES", side=side, style=Style.LIMIT, lots=lots, ticks=ticks
    )


def market(client_id: str, side: int, lots: int) -> Instruction:
    return Instruction(client_id=client_id, symbol="ES", side=side, style=Style.MARKET, lots=lots)


def test_it_satisfies_the_interface(broker: ExchangeBroker) -> None:
    satisfied: Broker = broker
    assert satisfied.name == "exchange"


async def test_an_order_is_placed_amended_and_cancelled(
    exchange: Exchange, broker: ExchangeBroker
) -> None:
    placed = await broker.place(limit("a", BUY, 5, MARK - 2))
    assert (placed.report.state, placed.report.lots) == (VenueState.WORKING, 5)
    amended = await broker.amend("a", lots=3, ticks=MARK - 3)
    assert (amended.report.lots, amended.report.ticks) == (3, MARK - 3)
    assert [seen.client_id for seen in await broker.open_orders()] == ["a"]
    cancelled = await broker.cancel("a")
    assert cancelled.report.state is VenueState.CANCELLED
    assert cancelled.report.number > placed.report.number
    assert (await broker.cancel("a")).report.state is VenueState.CANCELLED
    assert await broker.open_orders() == []


async def test_placing_again_tells_of_the_first_order(
    exchange: Exchange, broker: ExchangeBroker
) -> None:
    first = await broker.place(market("a", BUY, 5))
    again = await broker.place(market("a", BUY, 5))
    assert (first.venue_id, first.report) == (again.venue_id, again.report)
    assert await sync_to_async(Order.objects.count)() == 1
    with pytest.raises(RefusedError, match="named a different request before"):
        await broker.place(market("a", BUY, 6))


async def test_a_rejected_order_is_an_answer(exchange: Exchange, broker: ExchangeBroker) -> None:
    seen = await broker.place(limit("a", BUY, 5, 2 * MARK))
    assert seen.report.state is VenueState.REJECTED
    assert "limit price" in seen.reason


async def test_an_order_that_was_never_sent_is_unknown(
    exchange: Exchange, broker: ExchangeBroker
) -> None:
    assert (await broker.order("a")).report.state is VenueState.UNKNOWN


async def test_an_order_without_an_answer_in_time_has_an_unknown_outcome(
    idle: Exchange, account: Account
) -> None:
    broker = ExchangeBroker(account, timeout_s=0.05)
    with pytest.raises(UnknownOutcomeError, match="stored command"):
        await broker.place(market("a", BUY, 5))
    assert (await broker.order("a")).report.state is VenueState.WORKING
    await sync_to_async(idle.execute)()
    assert (await broker.order("a")).report.state is VenueState.FILLED
    broker.close()


async def test_a_closed_book_stores_nothing(es: Instrument, broker: ExchangeBroker) -> None:
    with pytest.raises(NotSentError, match="ES is stopped"):
        await broker.place(market("a", BUY, 5))
    assert (await broker.order("a")).report.state is VenueState.UNKNOWN


async def test_changes_are_followed_without_a_hole(
    exchange: Exchange, broker: ExchangeBroker
) -> None:
    await broker.place(limit("a", BUY, 5, MARK - 2))
    await broker.place(market("b", SELL, 8))
    stream = broker.changes(Cursor())
    first = [await anext(stream) for _ in range(3)]
    assert [type(seen) for seen in first] == [ExecutionSeen, OrderSeen, OrderSeen]
    assert [seen.client_id for seen in first] == ["b", "a", "b"]
    await broker.cancel("a")
    last = await anext(stream)
    assert isinstance(last, OrderSeen)
    assert (last.client_id, last.report.state) == ("a", VenueState.CANCELLED)
    await stream.aclose()
    resumed = broker.changes(Cursor(orders=2, executions=1))
    assert await anext(resumed) == last
    await resumed.aclose()


async def test_profit_equals_the_ledger(
    exchange: Exchange, broker: ExchangeBroker, account: Account, es: Instrument
) -> None:
    tick_value = int(es.tick_size * es.lot_size * 10**8)
    for number, (side, lots) in enumerate([(BUY, 7), (SELL, 3), (BUY, 2), (SELL, 11), (BUY, 4)]):
        await broker.place(market(f"m{number}", side, lots))
    average = ProfitAndLoss(tick_value=tick_value)
    fifo = ProfitAndLoss(tick_value=tick_value, method=FirstInFirstOut())
    for seen in await broker.executions(0):
        fill = Fill(seen.side, seen.ticks, seen.lots, seen.fee)
        assert average.trade(fill) == seen.realised
        fifo.trade(fill)
    booked = await sync_to_async(ledger)(account)
    assert (average.realised, -average.fees) == booked
    assert average.net == sum(booked)
    (held,) = await broker.positions()
    assert (held.lots, held.cost) == (average.method.lots, average.method.cost)
    assert fifo.net + fifo.unrealised(MARK) == average.net + average.unrealised(MARK)
    balance = await broker.balance()
    assert balance.balance == 100_000 * 10**8 + average.net
    assert balance.equity == balance.balance + average.unrealised(MARK)


def ledger(account: Account) -> tuple[int, int]:
    """Return the sums of realised profits and of fees in the ledger of the exchange."""

    def booked(cause: LedgerCause) -> int:
        found = LedgerEntry.objects.filter(account=account, cause=cause.value)
        return int(found.aggregate(sum=Sum("amount", default=0))["sum"])

    return booked(LedgerCause.REALISED), booked(LedgerCause.FEE)
