"""Audit of accounts: balances, positions, orders and commands say what the records say.

Each comparison is one SQL statement, so it sees one moment even while the market runs.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from archive import auditing
from archive.auditing import Report
from archive.database import Row, fetch
from exchange.accounts.loading import tick_value
from exchange.clearing.ledger import LedgerCause
from exchange.models import Account
from instruments.models import Instrument
from market.keys import key_range

SUMS: Final = """
SELECT account, {sums} FROM ({kept} UNION ALL {recorded}) AS both_sides
GROUP BY account{more} HAVING {differ} ORDER BY account
"""
BALANCES: Final = SUMS.format(
    sums="sum(amount)",
    kept="SELECT id AS account, balance AS amount FROM exchange_account",
    recorded="SELECT account, -amount FROM exchange_ledgerentry",
    more="",
    differ="sum(amount) <> 0",
)
LEDGER: Final = SUMS.format(
    sums="sum(amount), cause",
    kept="SELECT account, cause, amount FROM exchange_ledgerentry WHERE cause NOT IN (%s, %s)",
    recorded="SELECT account, %s, fee FROM exchange_execution "
    "UNION ALL SELECT account, %s, -realised FROM exchange_execution "
    "UNION ALL SELECT account, cause, -amount FROM exchange_funding WHERE cause NOT IN (%s, %s)",
    more=", cause",
    differ="sum(amount) <> 0",
)
"""Without deposits and withdrawals: the first deposit of an account is in the ledger alone."""
POSITIONS: Final = SUMS.format(
    sums="sum(lots), sum(cost), sum(realised), sum(fees)",
    kept="SELECT account_id AS account, lots, cost, realised, fees FROM exchange_position "
    "WHERE instrument_id = %s",
    recorded="SELECT account, -side * lots, -side * ticks * lots * %s - realised, -realised, -fee "
    "FROM exchange_execution WHERE id > %s AND id < %s",
    more="",
    differ="sum(lots) <> 0 OR sum(cost) <> 0 OR sum(realised) <> 0 OR sum(fees) <> 0",
)
ORDERS: Final = SUMS.format(
    sums="sum(filled), number",
    kept='SELECT account_id AS account, id AS number, filled, "value" FROM exchange_order '
    "WHERE instrument_id = %s AND filled > 0",
    recorded='SELECT account, "order", -lots, -ticks * lots FROM exchange_execution '
    "WHERE id > %s AND id < %s",
    more=", number",
    differ='sum(filled) <> 0 OR sum("value") <> 0',
)
COUNTS: Final = """
SELECT id, kept, count(number), coalesce(max(number), 0) FROM
(SELECT a.id, a.{field} AS kept, r.number FROM exchange_account a
LEFT JOIN {table} r ON r.account = a.id) AS counted
GROUP BY id, kept HAVING kept <> count(number) OR kept <> coalesce(max(number), 0) ORDER BY id
"""
COMMANDS: Final = """
SELECT c.account_id, c.id, c.done FROM exchange_command c
LEFT JOIN (SELECT DISTINCT command FROM exchange_orderevent WHERE command > 0) e
ON e.command = c.id
WHERE (CASE WHEN c.done THEN 1 ELSE 0 END) <> (CASE WHEN e.command IS NULL THEN 0 ELSE 1 END)
ORDER BY c.id
"""
MOVED_BY_HAND: Final = (LedgerCause.DEPOSIT.value, LedgerCause.WITHDRAWAL.value)


class Finding(NamedTuple):
    account: int
    text: str


def register() -> None:
    """Add the audit of accounts to `manage.py audit`."""
    auditing.register_for_all("accounts", audit_accounts)


def audit_accounts(report: Report) -> None:
    report.counts["accounts"] = Account.objects.count()
    found = [*balances(), *ledger(), *counts(), *commands()]
    for instrument in Instrument.objects.filter(has_book=True).order_by("pk"):
        found += [*positions(instrument), *orders(instrument)]
    names = dict(Account.objects.values_list("pk", "name"))
    for account, text in found:
        report.note(f"{names.get(account, f'account {account}, which does not exist')}: {text}")


def balances() -> Iterable[Finding]:
    for account, surplus in fetch(BALANCES, ()):
        yield Finding(account, f"the balance is {surplus} units above the sum of the ledger")


def ledger() -> Iterable[Finding]:
    parameters = [*MOVED_BY_HAND, LedgerCause.FEE, LedgerCause.REALISED, *MOVED_BY_HAND]
    for account, surplus, cause in fetch(LEDGER, parameters):
        name = LedgerCause(cause).name.lower()
        yield Finding(account, f"{name} in the ledger is {surplus} units above the records")


def counts() -> Iterable[Finding]:
    for field, table in (("events", "exchange_orderevent"), ("executions", "exchange_execution")):
        for account, kept, count, newest in fetch(COUNTS.format(field=field, table=table), ()):
            text = f"the account counts {kept} {field}, {count} up to number {newest} are recorded"
            yield Finding(account, text)


def commands() -> Iterable[Finding]:
    for account, command, done in fetch(COMMANDS, ()):
        what = "done, but no event answers it" if done else "answered by an event, but not done"
        yield Finding(account, f"command {command} is {what}")


def positions(instrument: Instrument) -> Iterable[Finding]:
    for account, *differences in _of_instrument(POSITIONS, instrument, [tick_value(instrument)]):
        named = zip(("lots", "cost", "realised", "fees"), differences, strict=True)
        text = ", ".join(f"{name} by {difference}" for name, difference in named if difference)
        yield Finding(account, f"the position in {instrument} differs from its executions: {text}")


def orders(instrument: Instrument) -> Iterable[Finding]:
    for account, surplus, order in _of_instrument(ORDERS, instrument, []):
        text = f"order {order} differs from its executions by {surplus} lots, or in their value"
        yield Finding(account, text)


def _of_instrument(sql: str, instrument: Instrument, values: Sequence[int]) -> list[Row]:
    return fetch(sql, [instrument.pk, *values, *key_range(instrument.pk)])
