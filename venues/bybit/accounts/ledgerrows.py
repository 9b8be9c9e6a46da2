"""The ledger as Bybit's transaction log."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from archive.database import fetch
from exchange.clearing.ledger import LedgerCause
from exchange.models import Account, LedgerEntry
from market.times import to_microseconds
from venues.bybit.categories import Category
from venues.bybit.numbers import money_text
from venues.bybit.symbols import SETTLE_COIN

TYPES: Final[Mapping[int, str]] = {
    LedgerCause.DEPOSIT: "TRANSFER_IN",
    LedgerCause.WITHDRAWAL: "TRANSFER_OUT",
    LedgerCause.FEE: "TRADE",
    LedgerCause.REALISED: "TRADE",
    LedgerCause.FUNDING: "SETTLEMENT",
    LedgerCause.INSURANCE: "BONUS",
}
CONSTANT: Final[Mapping[str, Any]] = {
    "transSubType": "",
    "side": "None",
    "qty": "0",
    "size": "0",
    "currency": SETTLE_COIN,
    "tradePrice": "0",
    "feeRate": "0",
    "bonusChange": "",
    "tradeId": "",
    "orderId": "",
    "orderLinkId": "",
    "extraFees": "",
}


BALANCE_AFTER: Final = (
    "SELECT balance - COALESCE((SELECT sum(amount) FROM exchange_ledgerentry "
    "WHERE account = exchange_account.id AND id > %s), 0) FROM exchange_account WHERE id = %s"
)
"""In one statement, because a balance is the sum of its ledger at any moment."""


def ledger_row(entry: LedgerEntry, balance: int) -> dict[str, Any]:
    """Return an entry; `balance` is that of the account after it."""
    is_fee, is_funding = entry.cause == LedgerCause.FEE, entry.cause == LedgerCause.FUNDING
    return {
        **CONSTANT,
        "id": str(entry.pk),
        "symbol": "" if entry.instrument is None else entry.instrument.symbol,
        "category": Category.LINEAR.value if entry.instrument_id else "",
        "transactionTime": str(to_microseconds(entry.at) // 1_000),
        "type": TYPES[entry.cause],
        "funding": money_text(entry.amount) if is_funding else "",
        "fee": money_text(-entry.amount) if is_fee else "0",
        "cashFlow": "0" if is_fee or is_funding else money_text(entry.amount),
        "change": money_text(entry.amount),
        "cashBalance": money_text(balance),
    }


def ledger_rows(account: Account, entries: Sequence[LedgerEntry]) -> list[dict[str, Any]]:
    """Return entries, the newest first, with the balance after each."""
    rows = []
    for entry, balance in zip(entries, balances_after(account, entries), strict=True):
        rows.append(ledger_row(entry, balance))
    return rows


def balances_after(account: Account, entries: Sequence[LedgerEntry]) -> list[int]:
    """Return the balance after each of these entries, which may have others between them."""
    if not entries:
        return []
    newest, oldest = entries[0].pk, entries[-1].pk
    ((balance,),) = fetch(BALANCE_AFTER, [newest, account.pk])
    between = LedgerEntry.objects.filter(account=account, pk__gt=oldest, pk__lte=newest)
    balances, left = {}, int(balance)
    for key, amount in between.order_by("-pk").values_list("pk", "amount"):
        balances[key] = left
        left -= amount
    balances[oldest] = left
    return [balances[entry.pk] for entry in entries]
