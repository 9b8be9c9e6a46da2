"""The ledger: every change of a balance, derived from executions and funding rows."""

from enum import IntEnum


class LedgerCause(IntEnum):
    DEPOSIT = 0
    WITHDRAWAL = 1
    FEE = 2
    REALISED = 3
    """Profit or loss of what a trade closed."""
    FUNDING = 4
    INSURANCE = 5
    """The exchange covers what a closed-out account owes."""
