"""The private channels: user.orders, user.trades, user.portfolio."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from exchange.accounts.listings import CAUSES
from exchange.accounts.privatestreams import BALANCE_TOPIC, EXECUTIONS_TOPIC, ORDERS_TOPIC
from exchange.clearing.orders import State
from exchange.models import Account, Execution, Order, OrderEvent
from live.cutting import made
from live.frames import Publication
from live.reads import read
from venues.deribit.accounts.fills import fill_rows
from venues.deribit.accounts.orderrows import order_row
from venues.deribit.accounts.summaries import portfolio
from venues.deribit.channels import ANY, RAW, Channel, Kind
from venues.deribit.envelopes import news
from venues.deribit.listed import Listed, all_listed, by_key, of_currency
from venues.doors.accounttopics import AccountTopic, NumberedTopic, Rows
from venues.doors.fills import Fills, as_of, fills_of


class Selected(NumberedTopic):
    """Rows of the instruments that a channel selects."""

    def __init__(self, channel: Channel, account: int, names: frozenset[str]) -> None:
        super().__init__(channel.name, account)
        self._channel = channel
        self._names = names

    def messages(self, rows: Rows) -> Iterable[Any]:
        wanted = [row for row in rows if row["instrument_name"] in self._names]
        return self.told(wanted) if wanted else ()

    def told(self, rows: Rows) -> Iterable[Any]:
        """Return the messages in which rows are sent."""
        return (news(self.name, rows),)


class Orders(Selected):
    """Every change of an order: a message each in the raw channel."""

    source = ORDERS_TOPIC

    def told(self, rows: Rows) -> Iterable[Any]:
        if self._channel.interval == RAW:
            return [news(self.name, row) for row in rows]
        return super().told(rows)

    @staticmethod
    def rows(account: int, first: int, last: int) -> Rows:
        return order_changes(account, first, last)


class UserTrades(Selected):
    source = EXECUTIONS_TOPIC

    @staticmethod
    def rows(account: int, first: int, last: int) -> Rows:
        numbers = Execution.objects.filter(account=account, number__gte=first, number__lte=last)
        return fill_rows(list(numbers.order_by("number")))


class Portfolio(AccountTopic):
    """Balance and margins in one currency, when the balance changes."""

    source = BALANCE_TOPIC

    def __init__(self, channel: Channel, account: int) -> None:
        super().__init__(channel.name, account)
        self._currency = channel.subject
        self._is_due = False
        self._known: dict[str, Any] = {}

    async def open(self) -> None:
        await super().open()
        self._known = await read(read_portfolio, self.account, self._currency)

    def first(self) -> tuple[Publication, ...]:
        return (made(news(self.name, self._known), 0, 0, topic=self.name),)

    def note(self, publication: Publication) -> None:
        self._is_due = True

    async def next_rows(self) -> Rows | None:
        if not self._is_due:
            return None
        self._is_due = False
        try:
            found = await read(read_portfolio, self.account, self._currency)
        except BaseException:
            self._is_due = True
            raise
        known, self._known = self._known, found
        return [found] if found != known else []

    def messages(self, rows: Rows) -> Iterable[Any]:
        return [news(self.name, row) for row in rows]


def private_maker(channel: Channel, account: int) -> Callable[[], AccountTopic]:
    """Return what makes the publisher of a private channel (in the thread of reads)."""
    if channel.kind is Kind.PORTFOLIO:
        return partial(Portfolio, channel, account)
    names = frozenset(each.name for each in selected(channel))
    return partial(Orders if channel.kind is Kind.ORDERS else UserTrades, channel, account, names)


def read_portfolio(account: int, currency: str) -> dict[str, Any]:
    return portfolio(Account.objects.get(pk=account), currency)


def order_changes(account: int, first: int, last: int) -> Rows:
    """Return orders as they were at the account's events first ... last."""
    listed = by_key()
    numbers = OrderEvent.objects.filter(account=account, number__gte=first, number__lte=last)
    events = [
        event
        for event in numbers.exclude(order=0).order_by("number")
        if event.instrument_id in listed and is_shown(event)
    ]
    orders = Order.objects.in_bulk({event.order for event in events})
    fills = fills_of(key for key, order in orders.items() if order.filled)
    rows = []
    for event in events:
        order = orders[event.order]
        as_of(order, event, fills.get(order.pk, Fills(())))
        rows.append(order_row(order, listed[order.instrument_id].contract))
    return rows


def is_shown(event: OrderEvent) -> bool:
    """Return whether a client sees an event: a change that was refused changed nothing."""
    return not CAUSES[event.cause].is_rejection or event.state == State.REJECTED


def selected(channel: Channel) -> list[Listed]:
    """Return the instruments of a channel of trades or of orders."""
    if channel.subject == ANY:
        return of_currency(channel.currency)
    found = all_listed().get(channel.subject)
    return [] if found is None else [found]
