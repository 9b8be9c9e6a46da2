"""What follows from trades: reducing orders shrink, margin calls, insurance, triggers."""

from collections.abc import Iterable

from exchange.clearing.accounts import Account, Holding
from exchange.clearing.books import Book
from exchange.clearing.entry import enter
from exchange.clearing.floor import Floor
from exchange.clearing.ledger import LedgerCause
from exchange.clearing.orders import Cause, Order, State
from exchange.clearing.valuation import required


def settle(floor: Floor, fired: Iterable[Order] = ()) -> None:
    """Carry through what follows from trades and from triggered orders, until nothing more does.

    Each order fires once and firing adds no trigger, so this ends.
    """
    follow_up(floor)
    due = list(fired) or due_by_last(floor)
    while due:
        for order in due:
            if order.state is State.UNTRIGGERED:  # else an earlier one ended it
                fire(floor, order)
                follow_up(floor)
        due = due_by_last(floor)
    for book in floor.books.values():
        book.traded = None


def due_by_last(floor: Floor) -> list[Order]:
    """Return the orders that trades fire, oldest first."""
    due: list[Order] = []
    for book in floor.books.values():
        if book.traded is not None:
            due += book.by_last.due(*book.traded)
    return sorted(due, key=Order.age)


def fire(floor: Floor, order: Order) -> None:
    """Trigger an order: it enters its book now."""
    floor.drop(order)
    order.move(State.TRIGGERED)
    floor.event(order, Cause.TRIGGERED)
    enter(floor, order)


def follow_up(floor: Floor) -> None:
    """Record fills of resting orders and adjust the holdings that traded."""
    floor.report_fills()
    for account_id, instrument in floor.touched:
        account, book = floor.accounts[account_id], floor.books[instrument]
        holding = account.holding(instrument)
        if (account_id, instrument) in floor.ended:
            expire_closing(floor, holding)
        trim_reducing(floor, holding)
        call_margin(floor, account, book, holding)
        insure(floor, account, book)
    floor.touched.clear()
    floor.ended.clear()


def expire_closing(floor: Floor, holding: Holding) -> None:
    """End the untriggered orders that would have closed a position that is closed now."""
    for order in sorted(holding.untriggered.values(), key=Order.age):
        if order.close:
            order.move(State.EXPIRED)
            floor.drop(order)
            floor.event(order, Cause.POSITION_CLOSED)


def trim_reducing(floor: Floor, holding: Holding) -> None:
    """Keep reduce-only orders within the position together; the newest give way first."""
    reducing = holding.reducing_orders()
    if not reducing:
        return
    lots = holding.position.lots
    excess = {side: max(0, -side * lots) for side in (1, -1)}
    for order in reducing:
        excess[order.side] -= order.leaves
    for order in sorted(reducing, key=Order.age, reverse=True):
        over = -excess[order.side]
        if over <= 0:
            continue
        excess[order.side] += min(over, order.leaves)
        if over < order.leaves:
            floor.shrink(order, over, Cause.REDUCED)
        else:
            floor.cancel(order, Cause.REDUCED if lots else Cause.POSITION_CLOSED)


def call_margin(floor: Floor, account: Account, book: Book, holding: Holding) -> None:
    """Cancel the newest opening orders until the equity covers the initial margin again.

    Orders that reduced the position were free and open one once it is gone.
    """
    opening = holding.opening_orders()
    if not opening or floor.available(account) >= 0:
        return
    for order in sorted(opening, key=Order.age, reverse=True):
        with_it = required(account, holding, book.contract)
        del holding.resting[order.id]
        relief = with_it - required(account, holding, book.contract)
        holding.resting[order.id] = order
        if relief > 0:
            floor.cancel(order, Cause.MARGIN_CALL)
            if floor.available(account) >= 0:
                return


def insure(floor: Floor, account: Account, book: Book) -> None:
    """Cover what an account without positions owes."""
    if account.balance >= 0 or any(each.position.lots for each in account.holdings.values()):
        return
    amount = -account.balance
    account.balance = 0
    floor.records.money(book.open_port.at, book.instrument, account, LedgerCause.INSURANCE, amount)
