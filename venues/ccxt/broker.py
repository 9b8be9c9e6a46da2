"""The broker of any venue that ccxt.pro trades at.

Not every venue refuses a client id that was used before, so an order is looked for before it is
placed. That finds what the venue shows; the venue must show an order soon after it took it.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Final

import ccxt.pro
import structlog

from venues.accountprogress import Change, Progress, time_of
from venues.brokers import (
    Balance,
    Cursor,
    ExecutionSeen,
    Instruction,
    NotSentError,
    OrderReport,
    OrderSeen,
    PositionSeen,
    RefusedError,
    Style,
    UnknownOutcomeError,
    VenueState,
)
from venues.ccxt import exchanges, rows
from venues.ccxt.exchanges import explained
from venues.feeds.events import Contract
from venues.feeds.following import pauses

logger = structlog.get_logger(__name__)

TIMEOUT_S: Final = 5.0
POLL_S: Final = 0.1
CHECK_S: Final = 30.0
"""Between two comparisons with REST: a message may be lost without a sign."""
PAGE: Final = 100
REMEMBERED: Final = 10_000
NOT_SENT: Final = (ccxt.RateLimitExceeded, ccxt.DDoSProtection, ccxt.InvalidNonce)
WRONG: Final = (
    ccxt.AuthenticationError,
    ccxt.BadRequest,
    ccxt.ArgumentsRequired,
    ccxt.NotSupported,
)
GONE: Final = (ccxt.OrderNotFound,)
Row = Mapping[str, Any]


class CcxtBroker:
    """An account at a venue (venues.brokers.Broker). `contracts` by our symbols."""

    def __init__(self, exchange: Any, contracts: Mapping[str, Contract]) -> None:
        self._exchange = exchange
        self._contracts = contracts
        self._ours = {each.symbol: symbol for symbol, each in contracts.items()}
        self._client_ids: dict[str, str] = {}
        """Of orders, by the venue's ids: its trades name orders by these alone."""

    @property
    def name(self) -> str:
        return f"ccxt:{self._exchange.id}"

    async def place(self, order: Instruction) -> OrderSeen:
        contract = self._contract(order.symbol)
        if (row := await self._find(order.client_id, contract)) is not None:
            return self._seen(row)
        lattice = contract.lattice
        params = {"clientOrderId": order.client_id, "reduceOnly": order.reduce_only}
        if order.style is Style.POST_ONLY:
            params["postOnly"] = True
        price = float(lattice.price(order.ticks)) if order.ticks else None
        size = float(lattice.quantity(order.lots))
        kind, side = rows.TYPES[order.style], rows.WORDS[order.side]
        params = {name: value for name, value in params.items() if value}
        try:
            await self._write(
                self._exchange.create_order, contract.symbol, kind, side, size, price, params
            )
        except ccxt.BaseError as error:
            return await self._rejected(order, contract, error)
        return await self._once(order.client_id, contract, lambda row: True)

    async def amend(self, client_id: str, *, lots: int, ticks: int) -> OrderSeen:
        found = await self._open(client_id)
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
            return self._seen(row)
        size, price = float(step.quantity(lots)), float(step.price(ticks)) if ticks else None
        await self._change(
            self._exchange.edit_order, row["id"], contract.symbol, row["type"], row["side"],
            size, price,
        )  # fmt: skip
        return await self._once(client_id, contract, is_amended)

    async def cancel(self, client_id: str) -> OrderSeen:
        found = await self._open(client_id)
        if found is None:
            return await self.order(client_id)
        row, contract = found
        await self._change(self._exchange.cancel_order, row["id"], contract.symbol)
        return await self._once(client_id, contract, rows.is_final)

    async def cancel_all(self, symbol: str = "") -> None:
        wanted = [self._contract(symbol)] if symbol else list(self._contracts.values())
        for contract in wanted:
            await self._change(self._exchange.cancel_all_orders, contract.symbol)

    async def order(self, client_id: str) -> OrderSeen:
        for contract in self._contracts.values():
            if (row := await self._find(client_id, contract)) is not None:
                return self._seen(row)
        now_ms = self._exchange.milliseconds()
        report = OrderReport(number=now_ms, state=VenueState.UNKNOWN)
        return OrderSeen(client_id=client_id, report=report)

    async def open_orders(self) -> list[OrderSeen]:
        found = [
            await self._read(self._exchange.fetch_open_orders, each.symbol)
            for each in self._contracts.values()
        ]
        return [self._seen(row) for row in itertools.chain(*found)]

    async def executions(self, since: int) -> list[ExecutionSeen]:
        """Return the fills of the millisecond of a number and later, oldest first."""
        since_ms = time_of(since) if since else None
        found: list[ExecutionSeen] = []
        for contract in self._contracts.values():
            trades = await self._pages(self._exchange.fetch_my_trades, contract.symbol, since_ms)
            found += [await self._execution(each, contract) for each in trades]
        return sorted((each for each in found if each.number != since), key=lambda each: each.at)

    async def positions(self) -> list[PositionSeen]:
        if not self._exchange.has.get("fetchPositions"):
            return []
        found = await self._read(self._exchange.fetch_positions, list(self._ours))
        named = [(row, self._ours[row["symbol"]]) for row in found if row["symbol"] in self._ours]
        return [
            rows.position_seen(row, symbol, self._contracts[symbol].lattice)
            for row, symbol in named
        ]

    async def balance(self) -> Balance:
        """Return the money in the currency of the contracts, USDT if there are none."""
        currencies = [each.currency for each in self._contracts.values()]
        found = await self._read(self._exchange.fetch_balance)
        return rows.balance_of(found, currencies[0] if currencies else "USDT")

    async def changes(self, since: Cursor) -> AsyncGenerator[Change, None]:
        """Yield what came after `since` and what comes, through disconnections."""
        progress, waits = Progress(since), pauses()
        while True:
            news: asyncio.Queue[Exception | None] = asyncio.Queue(PAGE)
            tasks = [asyncio.create_task(each) for each in self._watchers(news)]
            try:
                while True:
                    for change in await self._unseen(progress):
                        waits = pauses()
                        yield change
                    with suppress(TimeoutError):
                        async with asyncio.timeout(CHECK_S):
                            if (error := await news.get()) is not None:
                                raise error
                    while not news.empty():
                        if (error := news.get_nowait()) is not None:
                            raise error
            except (ccxt.OperationFailed, NotSentError) as error:
                logger.warning("account stream interrupted", reason=explained(error))
            except ccxt.BaseError as error:
                raise RefusedError(explained(error)) from error
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(next(waits))

    def _watchers(self, news: asyncio.Queue[Exception | None]) -> list[Any]:
        """Return what waits for messages. They only say that something changed; REST says what."""

        async def watch(wait: Callable[[], Any]) -> None:
            try:
                while True:
                    await wait()
                    await news.put(None)
            except Exception as error:  # changes() raises it again
                await news.put(error)

        return [watch(self._exchange.watch_orders), watch(self._exchange.watch_my_trades)]

    async def _unseen(self, progress: Progress) -> list[Change]:
        """Return the changes that were not passed on, executions before their orders."""
        since_ms = progress.orders_from_ms
        orders = [
            self._seen(row)
            for contract in self._contracts.values()
            async for row in self._orders(contract)
        ]
        executions = await self.executions(progress.executions_from)
        found: list[Change] = [each for each in executions if progress.is_new(each)]
        for order in sorted(orders, key=lambda each: each.report.number):
            if order.report.number >= since_ms:
                if progress.includes_unseen(order):
                    found += await self._executions_of(order, progress)
                found += [order] if progress.is_new(order) else []
        return found

    async def _executions_of(self, order: OrderSeen, progress: Progress) -> list[Change]:
        contract = self._contracts[order.symbol]
        trades = await self._read(self._exchange.fetch_my_trades, contract.symbol, None, PAGE)
        own = [each for each in trades if str(each["order"]) == order.venue_id]
        found = [await self._execution(each, contract) for each in own]
        return [each for each in found if progress.is_new(each)]

    def _contract(self, symbol: str) -> Contract:
        found = self._contracts.get(symbol)
        if found is None:
            raise RefusedError(f"{symbol} is not traded through this broker")
        return found

    def _seen(self, row: Row) -> OrderSeen:
        symbol = self._ours[row["symbol"]]
        self._name(str(row["id"]), row["clientOrderId"] or "")
        return rows.order_seen(row, symbol, self._contracts[symbol].lattice)

    async def _execution(self, row: Row, contract: Contract) -> ExecutionSeen:
        venue_id = str(row["order"])
        if venue_id not in self._client_ids:
            self._name(venue_id, "")  # unless it is listed
            async for order in self._orders(contract):
                self._name(str(order["id"]), order["clientOrderId"] or "")
        client_id = self._client_ids.get(venue_id, "")
        return rows.execution_seen(row, self._ours[contract.symbol], contract.lattice, client_id)

    def _name(self, venue_id: str, client_id: str) -> None:
        """Remember the client id of an order; the oldest ones are forgotten."""
        self._client_ids[venue_id] = client_id
        if len(self._client_ids) > REMEMBERED:
            del self._client_ids[next(iter(self._client_ids))]

    async def _orders(self, contract: Contract) -> AsyncGenerator[Row, None]:
        """Yield the newest orders: those that are open, then those that ended."""
        seen: set[str] = set()
        for name, request in (
            ("fetchOpenOrders", "fetch_open_orders"),
            ("fetchClosedOrders", "fetch_closed_orders"),
            ("fetchCanceledOrders", "fetch_canceled_orders"),
        ):
            if self._exchange.has.get(name):
                found = await self._read(getattr(self._exchange, request), contract.symbol)
                for row in found:
                    if rows.is_final(row) or str(row["id"]) not in seen:
                        yield row
                seen |= {str(row["id"]) for row in found}

    async def _find(self, client_id: str, contract: Contract) -> Row | None:
        async with aclosing(self._orders(contract)) as orders:
            async for row in orders:
                if row["clientOrderId"] == client_id:
                    return row
        return None

    async def _open(self, client_id: str) -> tuple[Row, Contract] | None:
        for contract in self._contracts.values():
            row = await self._find(client_id, contract)
            if row is not None:
                return None if rows.is_final(row) else (row, contract)
        return None

    async def _pages(self, request: Any, symbol: str, since_ms: int | None) -> list[Row]:
        """Return all rows since a moment; without one, the newest."""
        found: dict[Any, Row] = {}
        while True:
            page = await self._read(request, symbol, since_ms, PAGE)
            fresh = [row for row in page if (row["id"], row["order"]) not in found]
            found |= {(row["id"], row["order"]): row for row in fresh}
            if since_ms is None or len(page) < PAGE or not fresh:
                return list(found.values())
            since_ms = max(int(row["timestamp"]) for row in page)

    async def _read(self, request: Any, *arguments: Any) -> Any:
        try:
            return await request(*arguments)
        except ccxt.OperationFailed as error:
            raise NotSentError(explained(error)) from error
        except ccxt.BaseError as error:
            raise RefusedError(explained(error)) from error

    async def _write(self, request: Any, *arguments: Any) -> Any:
        """Send a request; raise BrokerError, or ccxt.BaseError if the venue rejects it."""
        try:
            return await request(*arguments)
        except NOT_SENT as error:
            raise NotSentError(explained(error)) from error
        except ccxt.OperationFailed as error:  # also an answer that cannot be read
            raise UnknownOutcomeError(explained(error)) from error
        except WRONG as error:
            raise RefusedError(explained(error)) from error

    async def _change(self, request: Any, *arguments: Any) -> None:
        """Change orders; those that have ended meanwhile are no error."""
        try:
            await self._write(request, *arguments)
        except GONE:
            return
        except ccxt.BaseError as error:
            raise RefusedError(explained(error)) from error

    async def _rejected(
        self, order: Instruction, contract: Contract, error: Exception
    ) -> OrderSeen:
        """Return an order that the venue did not take, unless it shows it nevertheless."""
        row = await self._find(order.client_id, contract)
        if row is not None:
            return replace(self._seen(row), reason=explained(error))
        now_ms = self._exchange.milliseconds()
        report = OrderReport(
            number=now_ms, state=VenueState.REJECTED, lots=order.lots, ticks=order.ticks
        )
        return OrderSeen(
            client_id=order.client_id,
            symbol=order.symbol,
            side=order.side,
            report=report,
            reason=explained(error),
        )

    async def _once(
        self, client_id: str, contract: Contract, is_done: Callable[[Row], bool]
    ) -> OrderSeen:
        """Return an order once it shows what was asked for; raise UnknownOutcomeError."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while (row := await self._find(client_id, contract)) is None or not is_done(row):
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise UnknownOutcomeError(
                f"order {client_id} does not show the request after {TIMEOUT_S:g} s"
            ) from None
        except NotSentError as error:  # the read; the request was answered
            raise UnknownOutcomeError(str(error)) from error
        return self._seen(row)


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
