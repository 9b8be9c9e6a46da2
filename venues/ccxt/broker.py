"""The broker of any venue that ccxt.pro trades at.

Not every venue refuses a client id that was used before, so an order is looked for before it is
placed. That finds what the venue shows; the venue must show an order soon after it took it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import ccxt

from venues.accountreads import AccountReads
from venues.brokers import (
    Instruction,
    NotSentError,
    OrderSeen,
    Style,
    UnknownOutcomeError,
)
from venues.ccxt import exchanges, requests, rows
from venues.ccxt.account import AccountReader, Row
from venues.ccxt.accountstream import AccountStream
from venues.ccxt.exchanges import explained
from venues.feeds.events import Contract

TIMEOUT_S: Final = 5.0
POLL_S: Final = 0.1


class CcxtBroker(AccountReads[AccountReader]):
    """An account at a venue (venues.brokers.Broker). `contracts` by our symbols."""

    def __init__(self, exchange: Any, contracts: Mapping[str, Contract]) -> None:
        self._exchange = exchange
        reader = AccountReader(exchange, contracts)
        super().__init__(reader, AccountStream(exchange, reader))

    @property
    def name(self) -> str:
        return f"ccxt:{self._exchange.id}"

    async def place(self, order: Instruction) -> OrderSeen:
        contract = self._reader.contract(order.symbol)
        if (row := await self._reader.find(order.client_id, contract)) is not None:
            return self._reader.seen(row)
        lattice = contract.lattice
        params = {"clientOrderId": order.client_id, "reduceOnly": order.reduce_only}
        if order.style is Style.POST_ONLY:
            params["postOnly"] = True
        price = float(lattice.price(order.ticks)) if order.ticks else None
        size = float(lattice.quantity(order.lots))
        kind, side = rows.TYPES[order.style], rows.WORDS[order.side]
        params = {name: value for name, value in params.items() if value}
        try:
            await requests.write(
                self._exchange.create_order, contract.symbol, kind, side, size, price, params
            )
        except ccxt.BaseError as error:
            return await self._rejected(order, contract, error)
        return await self._once(order.client_id, contract, lambda row: True)

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
        return await self._reader.order(client_id)

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
            yield CcxtBroker(exchange, contracts)

    return open_broker
