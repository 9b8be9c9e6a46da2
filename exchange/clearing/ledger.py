"""The ledger: every change of a balance, derived from executions and funding rows."""

from enum import IntEnum

import numpy as np

from exchange.kinds import LEDGER
from market.kinds import Rows


class LedgerCause(IntEnum):
    DEPOSIT = 0
    WITHDRAWAL = 1
    FEE = 2
    REALISED = 3
    """Profit or loss of what a trade closed."""
    FUNDING = 4
    INSURANCE = 5
    """The exchange covers what a closed-out account owes."""


def entries_of_executions(rows: Rows) -> Rows:
    """Return the LEDGER rows of EXECUTIONS: realised profit, then the fee; none of zero."""
    entries = np.empty((len(rows), 2), dtype=LEDGER.dtype)
    for name in ("account", "instrument", "at"):
        entries[name] = rows[name][:, None]
    entries["execution_seq"] = rows["seq"][:, None]
    entries["cause"] = (LedgerCause.REALISED, LedgerCause.FEE)
    entries["amount"] = np.stack([rows["realised"], -rows["fee"]], axis=1)
    return _not_zero(entries)


def entries_of_funding(rows: Rows) -> Rows:
    """Return the LEDGER rows of FUNDING; what is not funding belongs to no instrument."""
    entries = np.zeros(len(rows), dtype=LEDGER.dtype)
    for name in ("account", "at", "cause", "amount"):
        entries[name] = rows[name]
    entries["instrument"] = np.where(rows["cause"] == LedgerCause.FUNDING, rows["instrument"], 0)
    return _not_zero(entries)


def _not_zero(entries: Rows) -> Rows:
    found: Rows = entries[entries["amount"] != 0]
    return found
