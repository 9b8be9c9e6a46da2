"""Liquidation: accounts whose equity is below their maintenance margin."""

from exchange.clearing.accounts import Account
from exchange.clearing.books import Book
from exchange.clearing.entry import enter
from exchange.clearing.floor import Floor
from exchange.clearing.margin import maintenance_margin
from exchange.clearing.orders import Cause, Order, OrderType
from exchange.clearing.settling import follow_up


def liquidate(floor: Floor, book: Book) -> None:
    """Close out the holders in a book that are below their maintenance margin, by account."""
    for account_id in sorted(book.holders):
        account = floor.accounts[account_id]
        if floor.is_below_maintenance(account):
            close_out(floor, account)


def close_out(floor: Floor, account: Account) -> None:
    """Cancel the orders of an account, then close its positions, the largest first, while needed.

    What the books cannot take now is tried again at the next mark. Books that are not attached
    are left out.
    """
    for book in _attached(floor, account):
        for order in account.holding(book.instrument).orders():
            floor.cancel(order, Cause.LIQUIDATION)
    for book in _attached(floor, account):
        lots = account.holding(book.instrument).position.lots
        if lots and floor.is_below_maintenance(account):
            enter(floor, _closing_order(floor, account, book, lots), cause=Cause.LIQUIDATION)
            follow_up(floor)


def _attached(floor: Floor, account: Account) -> list[Book]:
    """Return the attached books in which an account has a holding, the largest margin first."""
    books = [floor.books[instrument] for instrument in sorted(account.holdings)]
    return sorted(
        (book for book in books if book.port is not None),
        key=lambda book: maintenance_margin(
            abs(account.holding(book.instrument).position.lots)
            * book.mark
            * book.contract.tick_value
        ),
        reverse=True,
    )


def _closing_order(floor: Floor, account: Account, book: Book, lots: int) -> Order:
    floor.liquidations += 1
    return Order(
        id=-floor.liquidations,
        account=account.id,
        instrument=book.instrument,
        side=-1 if lots > 0 else 1,
        type=OrderType.MARKET,
        lots=abs(lots),
        reduce_only=True,
    )
