"""The state of accounts and their waiting commands, read from the database for the desk."""

from collections.abc import Iterable

from django.db.models import Min

from exchange.clearing.accounts import Account as DeskAccount
from exchange.clearing.accounts import Contract
from exchange.clearing.commands import Command as DeskCommand
from exchange.clearing.commands import CommandKind
from exchange.clearing.orders import Order as DeskOrder
from exchange.clearing.orders import OrderType, State, TriggerBy, TriggerDirection
from exchange.clearing.positions import Position as DeskPosition
from exchange.clearing.records import Tails
from exchange.engine.messages import TimeInForce
from exchange.kinds import EXECUTIONS, FUNDING, MONEY_UNITS, ORDER_EVENTS
from exchange.models import Account, Command, Order
from instruments.models import Instrument
from journal.models import Stream
from market.keys import row_key
from market.kinds import Kind
from quotes.kinds import QUOTES
from quotes.models import Quote


def contracts(instruments: Iterable[Instrument]) -> list[Contract]:
    """Return the contracts of instruments that have quotes, marked by the newest."""
    found = {instrument.pk: instrument for instrument in instruments}
    return [
        Contract(instrument=key, tick_value=tick_value(found[key]), mark=mark)
        for key, mark in marks(found).items()
    ]


def marks(keys: Iterable[int]) -> dict[int, int]:
    """Return the ticks of the newest quote of each instrument that has one."""
    ends = _ends(QUOTES, keys)
    newest = Quote.objects.filter(pk__in=[row_key(key, seq) for key, seq in ends.items()])
    return dict(newest.values_list("instrument_id", "ticks"))


def tick_value(instrument: Instrument) -> int:
    """Return the value of one tick times one lot in MONEY_UNITS, which is a whole number."""
    lattice = instrument.lattice
    return int(lattice.tick_size * lattice.lot_size * MONEY_UNITS)


def accounts(keys: Iterable[int] | None = None) -> list[DeskAccount]:
    """Return these accounts, or all of them: the state that the recorded events left."""
    found = Account.objects.order_by("pk") if keys is None else Account.objects.filter(pk__in=keys)
    loaded = {row.pk: _account(row) for row in found.prefetch_related("leverages", "positions")}
    for row in Order.objects.open().exclude(state=State.PENDING).filter(account__in=loaded):
        loaded[row.account_id].holding(row.instrument_id).keep(desk_order(row))
    return list(loaded.values())


def _account(row: Account) -> DeskAccount:
    account = DeskAccount(
        id=row.pk,
        balance=row.balance,
        fees=row.schedule,
        events=row.events,
        executions=row.executions,
    )
    for chosen in row.leverages.all():
        account.holding(chosen.instrument_id).leverage = chosen.leverage
    for held in row.positions.all():
        account.holding(held.instrument_id).position = DeskPosition(held.lots, held.cost)
    return account


def desk_order(row: Order) -> DeskOrder:
    return DeskOrder(
        id=row.pk,
        account=row.account_id,
        instrument=row.instrument_id,
        side=row.side,
        type=OrderType(row.type),
        lots=row.lots,
        ticks=row.ticks,
        tif=TimeInForce(row.tif),
        trigger_ticks=row.trigger_ticks,
        trigger_by=TriggerBy(row.trigger_by),
        trigger_direction=TriggerDirection(row.trigger_direction),
        reduce_only=row.reduce_only,
        close=row.close,
        client_id=row.client_id,
        state=State(row.state),
        filled=row.filled,
    )


def waiting_commands() -> list[DeskCommand]:
    """Return the commands that are not executed, in the order of arrival.

    Those that the desk has executed stay among them until its records are committed. Their ids
    say nothing about what is new: transactions may commit in another order.
    """
    return [desk_command(row) for row in Command.objects.waiting().select_related("order")]


def desk_command(row: Command) -> DeskCommand:
    kind = CommandKind(row.kind)
    placed = row.order if kind is CommandKind.PLACE else None
    return DeskCommand(
        id=row.pk,
        account=row.account_id,
        kind=kind,
        instrument=row.instrument_id or 0,
        order=row.order_id or 0,
        placed=desk_order(placed) if placed is not None else None,
        **row.parameters,
    )


def tails(instruments: Iterable[Instrument]) -> Tails:
    """Return the ends of the desk's streams."""
    keys = [instrument.pk for instrument in instruments]
    lowest = Order.objects.aggregate(lowest=Min("pk"))["lowest"] or 0
    return Tails(
        order_events=_ends(ORDER_EVENTS, keys),
        executions=_ends(EXECUTIONS, keys),
        funding=_ends(FUNDING, keys),
        liquidations=max(0, -lowest),
    )


def _ends(kind: Kind, keys: Iterable[int]) -> dict[int, int]:
    found = Stream.objects.filter(kind=kind.name, instrument__in=list(keys), last_seq__gt=0)
    return dict(found.values_list("instrument_id", "last_seq"))
