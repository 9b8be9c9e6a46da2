"""The ledger as Bybit's transaction log."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import Sum

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
    """Return the sums of the ledger up to each of these entries."""
    if not entries:
        return []
    upto = LedgerEntry.objects.filter(account=account, pk__lte=entries[-1].pk)
    balance = upto.aggregate(total=Sum("amount"))["total"]
    between = LedgerEntry.objects.filter(
        account=account, pk__gt=entries[-1].pk, pk__lte=entries[0].pk
    )
    amounts = dict(between.values_list("pk", "amount")) | {entries[-1].pk: 0}
    sums: dict[int, int] = {}
    for key in sorted(amounts):
        balance += amounts[key]
        sums[key] = balance
    return [sums[entry.pk] for entry in entries]
