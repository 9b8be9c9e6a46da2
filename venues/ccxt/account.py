"""What an account shows through ccxt: its orders, executions, positions and money."""

import itertools
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from venues.accountprogress import time_of
from venues.brokers import (
    Balance,
    ExecutionSeen,
    OrderSeen,
    PaymentSeen,
    PositionSeen,
    RefusedError,
)
from venues.ccxt import rows
from venues.ccxt.requests import read
from venues.feeds.events import Contract

PAGE: Final = 100
PAID_WINDOW_MS: Final = 2 * 86_400_000
"""Of payments that are asked for at once: hourly ones are fewer than the shortest page, 50."""
REMEMBERED: Final = 10_000
CLOSED, ALL = "fetchClosedOrders", "fetchOrders"
LISTINGS: Final = (
    ("fetchOpenOrders", "fetch_open_orders"),
    (CLOSED, "fetch_closed_orders"),
    ("fetchCanceledOrders", "fetch_canceled_orders"),
    (ALL, "fetch_orders"),
)
"""Listings of orders, by what a venue has to offer; all orders only without the closed ones."""
Row = Mapping[str, Any]


class AccountReader:
    """Reads an account over REST. `contracts` by our symbols."""

    def __init__(self, exchange: Any, contracts: Mapping[str, Contract]) -> None:
        self.contracts = contracts
        self._exchange = exchange
        self._ours = {each.symbol: symbol for symbol, each in contracts.items()}
        self._client_ids: dict[str, str] = {}
        """Of orders, by the venue's ids: its trades name orders by these alone."""

    def contract(self, symbol: str) -> Contract:
        """Return what we call `symbol`; raise RefusedError."""
        found = self.contracts.get(symbol)
        if found is None:
            raise RefusedError(f"{symbol} is not traded through this broker")
        return found

    @property
    def lists_ended(self) -> bool:
        """Whether the venue lists orders that were filled."""
        return bool(self._exchange.has.get(CLOSED) or self._exchange.has.get(ALL))

    async def orders(self, contract: Contract) -> AsyncGenerator[Row, None]:
        """Yield the newest orders: those that are open, then those that ended."""
        seen: set[str] = set()
        for name, request in LISTINGS:
            if self._exchange.has.get(name) and not (
                name == ALL and self._exchange.has.get(CLOSED)
            ):
                found = await read(getattr(self._exchange, request), contract.symbol)
                for row in found:
                    if rows.is_final(row) or str(row["id"]) not in seen:
                        yield row
                seen |= {str(row["id"]) for row in found}

    async def find(self, client_id: str, contract: Contract) -> Row | None:
        async with aclosing(self.orders(contract)) as orders:
            async for row in orders:
                if row["clientOrderId"] == client_id:
                    return row
        return None

    async def find_open(self, client_id: str) -> tuple[Row, Contract] | None:
        for contract in self.contracts.values():
            row = await self.find(client_id, contract)
            if row is not None:
                return None if rows.is_final(row) else (row, contract)
        return None

    def seen(self, row: Row) -> OrderSeen:
        """Return an order, and remember its client id."""
        symbol = self._ours[row["symbol"]]
        self._name(str(row["id"]), row["clientOrderId"] or "")
        return rows.order_seen(row, symbol, self.contracts[symbol].lattice)

    async def known(
        self, client_id: str, contracts: Iterable[Contract] | None = None
    ) -> OrderSeen | None:
        """Return an order in any of the contracts (all of them), None if the venue shows none."""
        for contract in self.contracts.values() if contracts is None else contracts:
            if (row := await self.find(client_id, contract)) is not None:
                return self.seen(row)
        return None

    async def open_orders(self) -> list[OrderSeen]:
        found = [
            await read(self._exchange.fetch_open_orders, each.symbol)
            for each in self.contracts.values()
        ]
        return [self.seen(row) for row in itertools.chain(*found)]

    async def executions(self, since: int) -> list[ExecutionSeen]:
        """Return the fills of the millisecond of a number and later, oldest first."""
        since_ms = time_of(since) if since else None
        found: list[ExecutionSeen] = []
        for contract in self.contracts.values():
            fills = await self._fills(contract.symbol, since_ms)
            found += [await self._execution(row, contract) for row in fills]
        return sorted((each for each in found if each.number != since), key=lambda each: each.at)

    async def executions_of(self, order: OrderSeen) -> list[ExecutionSeen]:
        """Return the newest fills of an order."""
        contract = self.contracts[order.symbol]
        found = await read(self._exchange.fetch_my_trades, contract.symbol, None, PAGE)
        own = [row for row in found if str(row["order"]) == order.venue_id]
        return [await self._execution(row, contract) for row in own]

    async def positions(self) -> list[PositionSeen]:
        if not self._exchange.has.get("fetchPositions"):
            return []
        found = await read(self._exchange.fetch_positions, list(self._ours))
        named = [(row, self._ours[row["symbol"]]) for row in found if row["symbol"] in self._ours]
        return [
            rows.position_seen(row, symbol, self.contracts[symbol].lattice) for row, symbol in named
        ]

    async def payments(self, since: int) -> list[PaymentSeen]:
        """Return the funding of a moment (microseconds) and later, [] if the venue lists none."""
        if not self._exchange.has.get("fetchFundingHistory"):
            return []
        return [
            rows.payment_seen(row, symbol, self._exchange.id)
            for symbol, contract in self.contracts.items()
            for row in await self._paid(contract.symbol, since // 1_000)
        ]

    async def balance(self) -> Balance:
        """Return the money in the currency of the contracts, USDT if there are none."""
        currencies = [each.currency for each in self.contracts.values()]
        found = await read(self._exchange.fetch_balance)
        return rows.balance_of(found, currencies[0] if currencies else "USDT")

    async def _execution(self, row: Row, contract: Contract) -> ExecutionSeen:
        venue_id = str(row["order"])
        if venue_id not in self._client_ids:
            self._name(venue_id, "")  # unless it is listed
            async for order in self.orders(contract):
                self._name(str(order["id"]), order["clientOrderId"] or "")
        client_id = self._client_ids.get(venue_id, "")
        return rows.execution_seen(row, self._ours[contract.symbol], contract.lattice, client_id)

    def _name(self, venue_id: str, client_id: str) -> None:
        """Remember the client id of an order; the oldest ones are forgotten."""
        self._client_ids[venue_id] = client_id
        if len(self._client_ids) > REMEMBERED:
            del self._client_ids[next(iter(self._client_ids))]

    async def _paid(self, symbol: str, since_ms: int) -> Sequence[Row]:
        """Return all payments since a moment, window by window; the last one has no end."""
        ask, found = self._exchange.fetch_funding_history, list[Row]()
        while since_ms + PAID_WINDOW_MS < self._exchange.milliseconds():
            until = {"until": since_ms + PAID_WINDOW_MS - 1}
            found += await read(ask, symbol, since_ms, PAGE, until)
            since_ms += PAID_WINDOW_MS
        return [*found, *await read(ask, symbol, since_ms, PAGE)]

    async def _fills(self, symbol: str, since_ms: int | None) -> Sequence[Row]:
        """Return all fills since a moment; without one, the newest."""
        found: dict[Any, Row] = {}
        while True:
            page = await read(self._exchange.fetch_my_trades, symbol, since_ms, PAGE)
            fresh = [row for row in page if (row["id"], row["order"]) not in found]
            found |= {(row["id"], row["order"]): row for row in fresh}
            if since_ms is None or len(page) < PAGE or not fresh:
                return list(found.values())
            since_ms = max(int(row["timestamp"]) for row in page)
