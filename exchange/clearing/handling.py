"""What the desk does for each kind of command."""

from collections.abc import Callable, Mapping
from typing import Final

from exchange.clearing import checks
from exchange.clearing.accounts import Account
from exchange.clearing.amending import amend
from exchange.clearing.books import Book
from exchange.clearing.commands import Command, CommandKind
from exchange.clearing.entry import enter
from exchange.clearing.floor import Floor
from exchange.clearing.ledger import LedgerCause
from exchange.clearing.margin import LARGEST_LEVERAGE
from exchange.clearing.money import LARGEST_MONEY
from exchange.clearing.orders import Cause, Order, State


def execute(floor: Floor, command: Command) -> None:
    """Execute a command and record at least one event that answers it."""
    EXECUTE[command.kind](floor, floor.accounts[command.account], command)


def place(floor: Floor, account: Account, command: Command) -> None:
    order = command.placed
    if order is None or order.account != account.id:
        raise ValueError(f"command {command.id} to place an order must hold one of its account")
    if order.id in floor.orders:
        answer(floor, command, Cause.DUPLICATE_ORDER)
    elif (refused := refusal(floor, account, order)) is not None:
        reject(floor, order, command.id, refused)
    elif order.trigger_ticks:
        order.move(State.UNTRIGGERED)
        floor.keep(order)
        floor.event(order, Cause.ACCEPTED, command.id)
    else:
        enter(floor, order, command=command.id)


def reject(floor: Floor, order: Order, command: int, cause: Cause) -> None:
    """Record that an order was never accepted."""
    order.move(State.REJECTED)
    book = attached(floor, order.instrument) or home(floor)
    account = floor.accounts[order.account]
    floor.records.order_event(book.open_port.at, book.instrument, account, order, command, cause)


def refuse(floor: Floor, command: Command, cause: Cause) -> None:
    """Answer a command without executing it."""
    order = command.placed
    if order is None or order.id in floor.orders:
        answer(floor, command, cause)
    else:
        reject(floor, order, command.id, cause)


def refusal(floor: Floor, account: Account, order: Order) -> Cause | None:
    """Return why an order cannot even be considered, if so."""
    if (book := attached(floor, order.instrument)) is None:
        return Cause.NO_BOOK
    if (account.id, order.client_id) in floor.client_ids:
        return Cause.DUPLICATE_ORDER
    refused = checks.form(order) or checks.room(account.holding(order.instrument))
    if refused is None and order.trigger_ticks:
        refused = checks.trigger(order, book.watched_price(order))
    return refused


def change(floor: Floor, account: Account, command: Command) -> None:
    """Amend or cancel an order."""
    order = floor.orders.get(command.order) or floor.client_ids.get((account.id, command.client_id))
    if order is None or order.account != account.id:
        answer(floor, command, Cause.NOT_OPEN)
    elif attached(floor, order.instrument) is None:
        answer(floor, command, Cause.NO_BOOK)
    elif command.kind is CommandKind.CANCEL:
        floor.cancel(order, Cause.CANCELLED, command.id)
    else:
        amend(floor, order, command)


def cancel_all(floor: Floor, account: Account, command: Command) -> None:
    """Cancel the open orders of an account; the answer's lots are their number."""
    if command.instrument and attached(floor, command.instrument) is None:
        answer(floor, command, Cause.NO_BOOK)
        return
    orders = [
        order
        for instrument in sorted(account.holdings)
        if command.instrument in (0, instrument) and attached(floor, instrument) is not None
        for order in account.holdings[instrument].orders()
    ]
    for order in orders:
        floor.cancel(order, Cause.CANCELLED, command.id)
    answer(floor, command, Cause.CANCELLED, len(orders))


def set_leverage(floor: Floor, account: Account, command: Command) -> None:
    """Set the leverage of one instrument; the answer's lots are the leverage."""
    if attached(floor, command.instrument) is None:
        answer(floor, command, Cause.NO_BOOK)
    elif not 1 <= command.leverage <= LARGEST_LEVERAGE:
        answer(floor, command, Cause.INVALID_LEVERAGE)
    elif (holding := account.holding(command.instrument)).leverage == command.leverage:
        answer(floor, command, Cause.LEVERAGE_UNCHANGED, command.leverage)
    else:
        available, leverage = floor.available(account), holding.leverage
        holding.leverage = command.leverage
        if floor.available(account) < min(0, available):
            holding.leverage = leverage
            answer(floor, command, Cause.INSUFFICIENT_MARGIN)
        else:
            answer(floor, command, Cause.LEVERAGE_SET, command.leverage)


def move_money(floor: Floor, account: Account, command: Command) -> None:
    """Pay money in or out; only what no margin needs can be paid out."""
    amount = command.amount
    if not amount or account.balance + amount > LARGEST_MONEY:
        answer(floor, command, Cause.INVALID_AMOUNT)
    elif amount < 0 and min(account.balance, floor.available(account)) < -amount:
        answer(floor, command, Cause.INSUFFICIENT_MARGIN)
    else:
        account.balance += amount
        cause = LedgerCause.DEPOSIT if amount > 0 else LedgerCause.WITHDRAWAL
        book = home(floor)
        floor.records.money(book.open_port.at, book.instrument, account, cause, amount)
        answer(floor, command, Cause.MONEY_MOVED)


EXECUTE: Final[Mapping[CommandKind, Callable[[Floor, Account, Command], None]]] = {
    CommandKind.PLACE: place,
    CommandKind.AMEND: change,
    CommandKind.CANCEL: change,
    CommandKind.CANCEL_ALL: cancel_all,
    CommandKind.LEVERAGE: set_leverage,
    CommandKind.MONEY: move_money,
}


def answer(floor: Floor, command: Command, cause: Cause, lots: int = 0) -> None:
    """Answer a command by an event without an order."""
    book = attached(floor, command.instrument) or home(floor)
    account = floor.accounts[command.account]
    at = book.open_port.at
    floor.records.answer(at, book.instrument, account, command.id, cause, lots)


def attached(floor: Floor, instrument: int) -> Book | None:
    """Return the book of an instrument if it is attached."""
    book = floor.books.get(instrument)
    return book if book is not None and book.port is not None else None


def home(floor: Floor) -> Book:
    """Return the first attached book, whose stream takes what belongs to no instrument."""
    books = [book for book in floor.books.values() if book.port is not None]
    if not books:
        raise LookupError("no book is attached to the desk")
    return min(books, key=lambda book: book.instrument)
