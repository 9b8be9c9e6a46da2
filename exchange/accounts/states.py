"""Positions and balances of accounts, and client ids of orders, read with few statements.

Publications need them beside the records of a transaction. They are read within the transaction,
together with its other statements, so that nothing waits for them afterwards.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from journal import statements

STATES: Final = """
    SELECT a.id, a.version, a.balance, l.leverage, p.instrument_id, p.lots, p.cost, p.realised,
           p.fees, p.funding, p.updated_at
    FROM exchange_account a
    LEFT JOIN exchange_position p ON p.account_id = a.id
    LEFT JOIN exchange_leverage l
           ON l.account_id = a.id AND l.instrument_id = p.instrument_id
    WHERE a.id IN ({keys}) ORDER BY a.id, p.instrument_id"""
CLIENT_IDS: Final = """
    SELECT id, client_id FROM exchange_order WHERE id IN ({keys}) AND client_id <> ''"""


class Held(NamedTuple):
    """A position in an account; its values are those of the database. `at` is in microseconds."""

    leverage: int | None
    instrument: int
    lots: int
    cost: int
    realised: int
    fees: int
    funding: int
    at: int


class State(NamedTuple):
    """What an account holds; the version rises with each change."""

    account: int
    version: int
    balance: int
    positions: list[Held]


class Reading:
    """What is to be published of accounts and orders, as the present transaction leaves them."""

    def __init__(self, accounts: Iterable[int], orders: Iterable[int]) -> None:
        self._states: list[Any] = []
        self._client_ids: list[Any] = []
        select(STATES, accounts, self._states)
        select(CLIENT_IDS, orders, self._client_ids)

    def states(self) -> list[State]:
        """Return the states of the accounts."""
        found: dict[int, State] = {}
        for account, version, balance, *held in self._states:
            state = found.setdefault(account, State(account, version, balance, []))
            position = Held(*held)
            if position.instrument is not None:  # the account has one
                state.positions.append(position)
        return list(found.values())

    def client_ids(self) -> dict[int, str]:
        """Return the client ids of those orders that have one."""
        return dict(self._client_ids)


def select(statement: str, keys: Iterable[int], found: list[Any]) -> None:
    """Add what a statement selects for these keys to `found`, once it has been executed."""
    wanted: Sequence[int] = sorted(set(keys))
    if not wanted:
        return
    marks = ", ".join(["%s"] * len(wanted))
    statements.execute(statement.format(keys=marks), wanted, lambda _, rows: found.extend(rows))
