"""Orders, commands, positions, leverages, ledger and balances follow the desk's records."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from exchange.accounts import loading
from exchange.accounts.opening import open_account
from exchange.accounts.projections import ProjectionError
from exchange.clearing.commands import CommandKind
from exchange.clearing.ledger import LedgerCause
from exchange.clearing.orders import Cause, OrderType, State
from exchange.kinds import MONEY_UNITS
from exchange.matching import BUY, SELL
from exchange.models import Account, Command, Execution, LedgerEntry, Leverage, Order, OrderEvent
from exchange.tests.trading import Exchange, open_exchange
from instruments.models import Instrument
from rig.histories import make_instrument, make_ticks, record

pytestmark = pytest.mark.django_db
MARK = 20_000
BALANCE = 100_000 * MONEY_UNITS


@pytest.fixture
def es() -> Instrument:
    return listed("ES")


def listed(symbol: str) -> Instrument:
    instrument = make_instrument(symbol)
    instrument.has_book = True
    instrument.save()
    ticks = make_ticks(instrument, 3)
    ticks["ticks"] = MARK
    record(ticks)
    return instrument


@pytest.fixture
def account() -> Account:
    return open_account(name="a", balance=BALANCE)


@pytest.fixture
def exchange(es: Instrument) -> Iterator[Exchange]:
    with open_exchange(es) as exchange:
        exchange.provide("ES", BUY, MARK - 1, 50)
        exchange.provide("ES", SELL, MARK + 1, 50)
        yield exchange


def command(account: Account, kind: CommandKind, **fields: Any) -> Command:
    return Command.objects.create(
        account=account, kind=kind.value, received_at=timezone.now(), **fields
    )


def place(account: Account, instrument: Instrument, side: int, lots: int, **fields: Any) -> Order:
    now = timezone.now()
    type_ = OrderType.LIMIT if fields.get("ticks") else OrderType.MARKET
    order = Order.objects.create(
        account=account,
        instrument=instrument,
        side=side,
        type=type_.value,
        lots=lots,
        created_at=now,
        updated_at=now,
        **fields,
    )
    command(account, CommandKind.PLACE, order=order, instrument=instrument)
    return order


def check_sums(account: Account) -> None:
    """Compare the sums that are kept with the records that they are sums of."""
    account.refresh_from_db()
    assert account.balance == account.ledger.aggregate(sum=Sum("amount"))["sum"]
    found = Execution.objects.filter(account=account.pk)
    assert account.executions == found.count()
    for position in account.positions.select_related("instrument"):
        mine = found.filter(instrument=position.instrument)
        value = position.instrument.tick_size * MONEY_UNITS
        assert position.lots == sum(each.side * each.lots for each in mine)
        assert position.realised == sum(each.realised for each in mine)
        assert position.fees == sum(each.fee for each in mine)
        assert position.cost == position.realised + sum(
            each.side * each.lots * each.ticks * value for each in mine
        )
    for order in account.orders.all():
        mine = found.filter(order=order.pk)
        assert order.filled == sum(each.lots for each in mine)
        assert order.value == sum(each.lots * each.ticks for each in mine)


def test_market_order_fills_and_moves_position_ledger_and_balance(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    order = place(account, es, BUY, 10)
    exchange.execute()
    order.refresh_from_db()
    assert (order.state, order.cause) == (State.FILLED, Cause.ACCEPTED)
    assert (order.filled, order.value) == (10, 10 * (MARK + 1))
    (done,) = order.commands.all()
    assert (done.done, done.reason) == (True, Cause.ACCEPTED)
    assert done.result is not None
    assert done.result["state"] == State.FILLED
    position = account.positions.get()
    assert position.lots == 10
    place(account, es, SELL, 4)
    exchange.execute()
    check_sums(account)
    causes = account.ledger.order_by("id").values_list("cause", flat=True)
    assert list(causes) == [LedgerCause.DEPOSIT, LedgerCause.FEE, LedgerCause.REALISED,
                            LedgerCause.FEE]  # fmt: skip


def test_resting_order_is_filled_by_the_background_flow(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    order = place(account, es, BUY, 10, ticks=MARK)
    exchange.execute()
    versions = {account.version}
    for filled, state in ((4, State.PARTIALLY_FILLED), (10, State.FILLED)):
        exchange.trade("ES", SELL, filled - order.filled)
        order.refresh_from_db()
        assert (order.filled, order.state) == (filled, state)
        account.refresh_from_db()
        versions.add(account.version)  # although makers pay no fee, and nothing was realised
    assert len(versions) == 3
    (done,) = order.commands.all()
    assert done.result is not None
    assert (done.result["state"], done.result["filled"]) == (State.NEW, 0)
    check_sums(account)


def test_rejected_amended_and_cancelled_orders(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    far = place(account, es, BUY, 1, ticks=MARK * 2)
    resting = place(account, es, BUY, 5, ticks=MARK - 5)
    other = place(account, es, SELL, 5, ticks=MARK + 5)
    exchange.execute()
    far.refresh_from_db()
    assert (far.state, far.cause) == (State.REJECTED, Cause.PRICE_BAND)
    command(account, CommandKind.AMEND, order=resting, parameters={"ticks": MARK - 7, "lots": 8})
    exchange.execute()
    resting.refresh_from_db()
    assert (resting.ticks, resting.lots, resting.state) == (MARK - 7, 8, State.NEW)
    everything = command(account, CommandKind.CANCEL_ALL)
    exchange.execute()
    everything.refresh_from_db()
    assert (everything.done, everything.reason) == (True, Cause.CANCELLED)
    assert everything.result is not None
    assert everything.result["lots"] == 2
    assert {order.state for order in (*reread(resting, other),)} == {State.CANCELLED}
    again = command(account, CommandKind.CANCEL, order=resting)
    exchange.execute()
    again.refresh_from_db()
    assert again.reason == Cause.NOT_OPEN
    check_sums(account)


def reread(*orders: Order) -> list[Order]:
    for order in orders:
        order.refresh_from_db()
    return list(orders)


def test_leverage_and_money(exchange: Exchange, account: Account, es: Instrument) -> None:
    for leverage in (20, 5):
        command(account, CommandKind.LEVERAGE, instrument=es, parameters={"leverage": leverage})
    command(account, CommandKind.MONEY, parameters={"amount": 7 * MONEY_UNITS})
    refused = command(account, CommandKind.MONEY, parameters={"amount": -2 * BALANCE})
    exchange.execute()
    assert Leverage.objects.get().leverage == 5
    refused.refresh_from_db()
    assert refused.reason == Cause.INSUFFICIENT_MARGIN
    check_sums(account)
    assert account.balance == BALANCE + 7 * MONEY_UNITS
    assert LedgerEntry.objects.latest("pk").instrument_id == 0


def test_liquidation_adds_an_order_of_the_exchange(exchange: Exchange, es: Instrument) -> None:
    account = open_account(name="poor", balance=2_000 * MONEY_UNITS)
    command(account, CommandKind.LEVERAGE, instrument=es, parameters={"leverage": 100})
    place(account, es, BUY, 20)
    exchange.execute()
    exchange.mark("ES", MARK - 500)
    liquidation = Order.objects.get(pk__lt=0)
    assert (liquidation.account, liquidation.side) == (account, SELL)
    assert liquidation.state == State.FILLED
    assert account.positions.get().lots == 0
    check_sums(account)


def test_funding_is_added_to_position_and_ledger(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    place(account, es, BUY, 10)
    exchange.execute()
    exchange.mark("ES", MARK, at=exchange.ports["ES"].at + 8 * 3_600 * 1_000_000)
    entry = LedgerEntry.objects.get(cause=LedgerCause.FUNDING)
    assert entry.amount < 0
    assert account.positions.get().funding == entry.amount
    check_sums(account)


def test_desk_loaded_again_continues_where_the_first_one_stopped(
    exchange: Exchange, account: Account, es: Instrument
) -> None:
    place(account, es, BUY, 10, ticks=MARK - 3, client_id="x")
    place(account, es, SELL, 3)
    place(account, es, SELL, 5, trigger_ticks=MARK - 100, trigger_direction=-1)
    command(account, CommandKind.LEVERAGE, instrument=es, parameters={"leverage": 20})
    exchange.execute()
    again = Exchange([es], exchange.journal)
    assert again.desk.accounts == exchange.desk.accounts
    place(account, es, BUY, 1)
    exchange.execute()
    check_sums(account)


def test_records_of_unknown_orders_are_not_stored(exchange: Exchange, account: Account,
                                                  es: Instrument) -> None:  # fmt: skip
    order = place(account, es, BUY, 10, ticks=MARK - 3)
    commands = Command.objects.all()
    exchange.desk.add(*loading.accounts([account.pk]))
    waiting = loading.waiting_commands()
    commands.delete()
    order.delete()
    exchange.desk.handle(waiting[0])
    with pytest.raises(ProjectionError, match="found 0 of 1 rows"):
        exchange.store()
    assert not OrderEvent.objects.exists()
