"""Funding: every eight hours, at 00, 08 and 16 o'clock UTC, longs pay shorts."""

from typing import Final

from exchange.clearing.books import Book
from exchange.clearing.floor import Floor
from exchange.clearing.ledger import LedgerCause
from exchange.clearing.money import PPM, fee

FUNDING_PPM: Final = 100
INTERVAL_US: Final = 8 * 3_600_000_000


def is_due(since: int, at: int) -> bool:
    """Return whether a funding time lies in (since, at]."""
    return at // INTERVAL_US > since // INTERVAL_US


def amount(lots: int, ticks: int, tick_value: int) -> int:
    """Return what a position receives (negative: pays), rounded against the account."""
    value = abs(lots) * ticks * tick_value
    return -fee(value, FUNDING_PPM) if lots > 0 else value * FUNDING_PPM // PPM


def pay(floor: Floor, book: Book, at: int) -> None:
    """Pay funding on all positions in a book, by account."""
    for account_id in sorted(book.holders):
        account = floor.accounts[account_id]
        lots = account.holding(book.instrument).position.lots
        paid = amount(lots, book.mark, book.contract.tick_value)
        account.balance += paid
        floor.records.money(
            at,
            book.instrument,
            account,
            LedgerCause.FUNDING,
            paid,
            position=lots,
            ticks=book.mark,
        )
