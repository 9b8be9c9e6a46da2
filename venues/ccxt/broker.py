"""The broker of any venue that ccxt.pro trades at.

Not every venue refuses a client id that was used before, so an order is looked for before it is
placed, and an order whose answer was lost is not sent again before it could have arrived. A venue
that does not list orders that have ended cannot tell what became of such an order: it is never
sent again.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final

import ccxt

from venues.accountreads import AccountReads
from venues.brokers import (
    Instruction,
    NotSentError,
    OrderSeen,
    RefusedError,
    UnknownOutcomeError,
)
from venues.ccxt import exchanges, requests, rows
from venues.ccxt.account import AccountReader, Row
from venues.ccxt.accountstream import AccountStream
from venues.ccxt.exchanges import explained
from venues.doubts import Doubts
from venues.feeds.events import Contract

UNIQUE_IDS: Final = ("bybit",)
"""Venues that never accept a client id twice."""
ARRIVES_S: Final = 15.0
"""For how long a request without an answer may be on its way: venues reject older ones."""
TIMEOUT_S: Final = 5.0
POLL_S: Final = 0.1


class CcxtBroker(AccountReads[AccountReader]):
    """An account at a venue (venues.brokers.Broker). `contracts` by our symbols."""

    def __init__(
        self, exchange: Any, contracts: Mapping[str, Contract], quiet_s: float = ARRIVES_S
    ) -> None:
        """`quiet_s`: for how long orders of an earlier process may still arrive."""
        self._exchange = exchange
        self._doubts = Doubts(quiet_s)
        self._taken: set[str] = set()
        """Client ids of orders that the venue took, but has not shown yet."""
        reader = AccountReader(exchange, contracts)
        super().__init__(reader, AccountStream(exchange, reader))

    @property
    def name(self) -> str:
        return f"ccxt:{self._exchange.id}"

    async def place(self, order: Instruction) -> OrderSeen:
        contract = self._reader.contract(order.symbol)
        async with self._doubts.alone(order.client_id):
            if order.client_id not in self._taken:
                look = partial(self._reader.known, order.client_id, [contract])
                if (seen := await self._settled(order.client_id, look)) is not None:
                    return seen
                if (rejected := await self._create(order, contract)) is not None:
                    return rejected
            seen = await self._once(order.client_id, contract, lambda row: True)
            self._taken.discard(order.client_id)
            return seen

    async def _create(self, order: Instruction, contract: Contract) -> OrderSeen | None:
        """Send an order; return what became of it if the venue did not take it."""
        client_id = order.client_id
        arguments = rows.creation(order, contract.symbol, contract.lattice)
        self._doubts.sent(client_id, ARRIVES_S)
        try:
            await requests.write(self._exchange.create_order, *arguments)
        except ccxt.BaseError as error:
            self._doubts.answered(client_id)
            return await self._rejected(order, contract, error)
        except (NotSentError, RefusedError):
            self._doubts.answered(client_id)
            raise
        self._doubts.answered(client_id)
        self._taken.add(client_id)
        return None

    async def _settled(
        self, client_id: str, look: Callable[[], Awaitable[OrderSeen | None]]
    ) -> OrderSeen | None:
        """Return an order; None if there is none, and none can come any more.

        Raise UnknownOutcomeError if the venue cannot tell.
        """
        is_doubtful = client_id in self._doubts
        seen = await self._doubts.settled(client_id, look)
        if seen is None and is_doubtful and not self._reader.lists_ended:
            self._doubts.sent(client_id, 0.0)  # for good
            raise UnknownOutcomeError(
                f"{self.name} does not list orders that have ended: look there whether order "
                f"{client_id} was executed"
            )
        return seen

    async def amend(self, client_id: str, *, lots: int, ticks: int) -> OrderSeen:
        found = await self._reader.find_open(client_id)
        if found is None:
            return await self.order(client_id)
        row, contract = found
        step = contract.lattice

        def is_amended(now: Row) -> bool:
            sizes = rows.steps(now["amount"], step.lot_size), rows.steps(
                now["price"], step.tick_size
            )  # fmt: skip
            return rows.is_final(now) or sizes == (lots, ticks)

        if is_amended(row):
            return self._reader.seen(row)
        size, price = float(step.quantity(lots)), float(step.price(ticks)) if ticks else None
        await requests.change(
            self._exchange.edit_order, row["id"], contract.symbol, row["type"], row["side"],
            size, price,
        )  # fmt: skip
        return await self._once(client_id, contract, is_amended)

    async def cancel(self, client_id: str) -> OrderSeen:
        found = await self._reader.find_open(client_id)
        if found is None:
            return await self.order(client_id)
        row, contract = found
        await requests.change(self._exchange.cancel_order, row["id"], contract.symbol)
        return await self._once(client_id, contract, rows.is_final)

    async def cancel_all(self, symbol: str = "") -> None:
        reader = self._reader
        wanted = [reader.contract(symbol)] if symbol else list(reader.contracts.values())
        for contract in wanted:
            await requests.change(self._exchange.cancel_all_orders, contract.symbol)

    async def order(self, client_id: str) -> OrderSeen:
        seen = await self._settled(client_id, partial(self._reader.known, client_id))
        return seen or OrderSeen.unknown(client_id, self._exchange.milliseconds())

    async def _rejected(
        self, order: Instruction, contract: Contract, error: Exception
    ) -> OrderSeen:
        """Return an order that the venue did not take, unless it shows it nevertheless."""
        row = await self._reader.find(order.client_id, contract)
        if row is not None:
            return replace(self._reader.seen(row), reason=explained(error))
        return OrderSeen.rejected(order, self._exchange.milliseconds(), explained(error))

    async def _once(
        self, client_id: str, contract: Contract, is_done: Callable[[Row], bool]
    ) -> OrderSeen:
        """Return an order once it shows what was asked for; raise UnknownOutcomeError."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while True:
                    row = await self._reader.find(client_id, contract)
                    if row is not None and is_done(row):
                        return self._reader.seen(row)
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise UnknownOutcomeError(
                f"order {client_id} does not show the request after {TIMEOUT_S:g} s"
            ) from None
        except NotSentError as error:  # the read; the request was answered
            raise UnknownOutcomeError(str(error)) from error


def opener(exchange_id: str, url: str | None) -> Any:
    """Return what opens brokers of an exchange; raise FeedError for one that does not exist."""
    exchanges.check(exchange_id)
    at = exchanges.settings_of(exchange_id, url)

    @asynccontextmanager
    async def open_broker(
        key: str, secret: str, contracts: Mapping[str, Contract], /
    ) -> AsyncGenerator[CcxtBroker, None]:
        settings = {**at, "apiKey": key, "secret": secret}
        async with exchanges.opened(exchange_id, settings) as exchange:
            quiet_s = 0.0 if exchange_id in UNIQUE_IDS else ARRIVES_S
            yield CcxtBroker(exchange, contracts, quiet_s)

    return open_broker
