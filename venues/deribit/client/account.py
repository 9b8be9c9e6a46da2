"""Reads of an account at Deribit: orders, executions, positions, balance."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from venues.accountprogress import time_of
from venues.brokers import (
    Balance,
    ExecutionSeen,
    NotSentError,
    OrderSeen,
    PositionSeen,
    RefusedError,
)
from venues.contractnames import Named, Names
from venues.deribit.client import errors
from venues.deribit.client.accountrows import (
    CURRENCY,
    KIND,
    balance_of,
    execution_seen,
    number_of,
    order_seen,
    position_seen,
)
from venues.deribit.client.parsing import contract_of
from venues.deribit.client.session import Session
from venues.feeds.events import FeedError

PAGE: Final = 1_000
LOOKED_AT: Final = 100
"""Orders of the history among which a label is looked for, besides those that are named by it."""
DAY_MS: Final = 86_400_000
AHEAD_MS: Final = 365 * DAY_MS
"""What is newest may have a later time than now: clocks differ, simulated markets may be ahead."""
Row = Mapping[str, Any]


class AccountReader:
    """Reads through one session. Methods raise BrokerError."""

    def __init__(self, session: Session, names: Names) -> None:
        self._session = session
        self._names = names

    def now_ms(self) -> int:
        return self._session.now_ms()

    async def named(self, symbol: str) -> Named:
        """Return the instrument that the venue calls `symbol`, also one that we do not trade."""
        if (found := self._names.of_theirs(symbol)) is not None:
            return found
        row = await self._read("public/get_instrument", instrument_name=symbol)
        try:
            return self._names.add(contract_of(row))
        except FeedError as error:
            raise RefusedError(str(error)) from error

    async def order_row(self, label: str) -> Row | None:
        """Return the order with a label, None if the venue does not show one.

        Asks in all three places where the venue may show it. Raise RefusedError if several orders
        have the label: which one is meant, nobody can say.
        """
        asked = {"currency": CURRENCY, "label": label}
        recent, working, ended = await asyncio.gather(
            self._read("private/get_order_state_by_label", **asked),
            self._read("private/get_open_orders_by_label", **asked),
            self._history(LOOKED_AT),
        )
        rows = [row for row in (*recent, *working, *ended) if row.get("label") == label]
        newest = {row["order_id"]: row for row in sorted(rows, key=changed_at)}
        if len(newest) > 1:
            raise RefusedError(
                f"orders {', '.join(sorted(newest))} have the same label {label}: labels must be "
                "unique; cancel them by their ids"
            )
        return next(iter(newest.values()), None)

    async def order_of(self, row: Row) -> OrderSeen:
        named = await self.named(row["instrument_name"])
        return order_seen(row, named.symbol, named.contract.lattice)

    async def open_rows(self) -> list[Row]:
        asked = {"currency": CURRENCY, "kind": KIND}
        found: list[Row] = await self._read("private/get_open_orders_by_currency", **asked)
        return found

    async def open_orders(self) -> list[OrderSeen]:
        return [await self.order_of(row) for row in await self.open_rows()]

    async def changed_orders(self, since_ms: int) -> list[Row]:
        """Return orders that changed at or after a moment, oldest change first.

        Of those that have ended, the newest PAGE ones.
        """
        ended, working = await self._history(), await self.open_rows()
        found = {row["order_id"]: row for row in (*working, *ended)}
        changed = (row for row in found.values() if changed_at(row) >= since_ms)
        return sorted(changed, key=changed_at)

    async def executions(self, since: int) -> list[ExecutionSeen]:
        """Return the executions of the millisecond of a number and later, oldest first.

        Those of that millisecond may be known already: numbers do not order them by their arrival.
        With 0, the newest PAGE ones.
        """
        if not since:
            found = await self._read(
                "private/get_user_trades_by_currency", currency=CURRENCY, kind=KIND, count=PAGE
            )
            return await self._seen(found["trades"])
        start_ms, now_ms = time_of(since), self.now_ms()
        rows: dict[tuple[str, str], Row] = {}
        for historical in (True, False) if start_ms < now_ms - DAY_MS else (False,):
            for row in await self._trades(start_ms, now_ms + AHEAD_MS, historical=historical):
                rows[row["trade_id"], row["order_id"]] = row
        return await self._seen([row for row in rows.values() if number_of(row) != since])

    async def executions_of(self, order_id: str) -> list[ExecutionSeen]:
        rows = await self._read("private/get_user_trades_by_order", order_id=order_id)
        return await self._seen(rows)

    async def execution_of(self, row: Row) -> ExecutionSeen:
        named = await self.named(row["instrument_name"])
        return execution_seen(row, named.symbol, named.contract.lattice)

    async def positions(self) -> list[PositionSeen]:
        found = []
        for row in await self._read("private/get_positions", currency=CURRENCY, kind=KIND):
            named = await self.named(row["instrument_name"])
            found.append(position_seen(row, named.symbol, named.contract.lattice))
        return found

    async def payments(self, since: int) -> None:
        """Return None: Deribit states the funding of a position as a sum."""

    async def balance(self) -> Balance:
        return balance_of(await self._read("private/get_account_summary", currency=CURRENCY))

    async def _history(self, count: int = PAGE) -> list[Row]:
        """Return the newest orders that have ended, also those without a fill."""
        found: list[Row] = await self._read(
            "private/get_order_history_by_currency", currency=CURRENCY, kind=KIND, count=count,
            include_unfilled=True,
        )  # fmt: skip
        return found

    async def _trades(self, start_ms: int, end_ms: int, *, historical: bool) -> list[Row]:
        """Return the trades of a span, page by page, oldest first."""
        found: list[Row] = []
        while True:
            page = await self._read(
                "private/get_user_trades_by_currency_and_time", currency=CURRENCY, kind=KIND,
                start_timestamp=start_ms, end_timestamp=end_ms, count=PAGE, sorting="asc",
                historical=historical,
            )  # fmt: skip
            found += page["trades"]
            if not page["has_more"]:
                return found
            last_ms = int(found[-1]["timestamp"])
            start_ms = last_ms if last_ms > start_ms else start_ms + 1

    async def _seen(self, rows: Sequence[Row]) -> list[ExecutionSeen]:
        ordered = sorted(rows, key=lambda row: (int(row["timestamp"]), int(row["trade_seq"])))
        return [await self.execution_of(row) for row in ordered]

    async def _read(self, method: str, **params: Any) -> Any:
        try:
            return await self._session.read(method, params)
        except errors.UnavailableError as error:
            raise NotSentError(str(error)) from error
        except errors.RefusedError as error:
            raise RefusedError(str(error)) from error


def changed_at(row: Row) -> int:
    """Return when an order changed last, in milliseconds."""
    return int(row["last_update_timestamp"])
