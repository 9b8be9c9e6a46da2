"""Batches of orders: stored in one transaction, answered one by one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from exchange.accounts import submission
from exchange.accounts.submission import Sender
from exchange.accounts.traders import Trader
from exchange.models import Command
from market.times import to_microseconds
from venues.bybit.categories import Category
from venues.bybit.envelopes import Outcome, outcome
from venues.bybit.errors import BybitError, RetCode
from venues.bybit.fields import Fields
from venues.bybit.trading.orderfields import changes, new_order
from venues.bybit.trading.orders import TOO_LATE_TO_REPLACE, open_order
from venues.bybit.trading.submitting import refused, sender, submitted
from venues.doors.commands import all_answered

MOST_ORDERS: Final = {Category.LINEAR: 20, Category.INVERSE: 20, Category.OPTION: 20,
                      Category.SPOT: 10}  # fmt: skip


class BatchAnswer(NamedTuple):
    """Parallel lists: the orders, and what became of each."""

    orders: list[dict[str, str]]
    outcomes: list[Outcome]


@dataclass
class Item:
    """One order of a batch."""

    fields: Fields
    command: Command | None = None
    error: BybitError | None = None
    order_id: str = field(default="")
    link_id: str = field(default="")

    def as_json(self, category: Category, *, is_new: bool) -> dict[str, str]:
        shown = {
            "category": category.value,
            "symbol": self.fields.text("symbol"),
            "orderId": "" if self.error else self.order_id,
            "orderLinkId": self.link_id or self.fields.text("orderLinkId"),
        }
        return shown | ({"createAt": self._created_at()} if is_new else {})

    def _created_at(self) -> str:
        if self.error or self.command is None:
            return ""
        return str(to_microseconds(self.command.received_at) // 1_000)


Submit = Callable[[Sender, Item, Category], Command]


def create(trader: Trader, fields: Fields) -> BatchAnswer:
    return run(trader, fields, place_one, is_new=True)


def amend(trader: Trader, fields: Fields) -> BatchAnswer:
    def amend_one(who: Sender, item: Item, _: Category) -> Command:
        order, listed = open_order(trader, item.fields, TOO_LATE_TO_REPLACE)
        item.order_id, item.link_id = str(order.pk), order.client_id
        return submission.amend(who, order, changes(item.fields, listed))

    return run(trader, fields, amend_one)


def cancel(trader: Trader, fields: Fields) -> BatchAnswer:
    def cancel_one(who: Sender, item: Item, _: Category) -> Command:
        order, _listed = open_order(trader, item.fields)
        item.order_id, item.link_id = str(order.pk), order.client_id
        return submission.cancel(who, order)

    return run(trader, fields, cancel_one)


def place_one(who: Sender, item: Item, category: Category) -> Command:
    new, item.link_id = new_order(item.fields, category)
    named = Sender(account=who.account, client_id=item.link_id, signature=who.signature, once=True)
    command = submission.place(named, new)
    item.order_id = str(command.order_id)
    return command


def run(trader: Trader, fields: Fields, submit: Submit, *, is_new: bool = False) -> BatchAnswer:
    """Submit all orders of a batch that are in form, and wait for the desk; raise BybitError."""
    category = fields.category()
    items = [
        Item(each.with_member("category", category.value))
        for each in fields.members("request", MOST_ORDERS[category])
    ]
    with submission.together():
        for item in items:
            store(trader, item, category, submit, items)
    settle(items)
    return BatchAnswer(
        [item.as_json(category, is_new=is_new) for item in items],
        [outcome(item.error) for item in items],
    )


def store(
    trader: Trader, item: Item, category: Category, submit: Submit, items: Sequence[Item]
) -> None:
    """Store one command; note an error, but raise that of a repeated request."""
    is_first = all(each.command is None for each in items)
    try:
        item.command = submitted(lambda: submit(sender(trader, is_first=is_first), item, category))
    except BybitError as error:
        if error.code is RetCode.REPEATED_REQUEST:
            raise
        item.error = error


def settle(items: Sequence[Item]) -> None:
    """Wait for the desk, and note what it rejected."""
    stored = [item for item in items if item.command is not None]
    done = all_answered([item.command for item in stored if item.command is not None])
    for item, command in zip(stored, done, strict=True):
        item.error = refused(command)


def as_results(answer: BatchAnswer) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `result` and `retExtInfo`."""
    return {"list": answer.orders}, {"list": answer.outcomes}
