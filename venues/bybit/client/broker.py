"""The broker of Bybit: linear contracts of a unified account, in one-way mode.

Bybit acknowledges requests before it executes them. Each method therefore waits until the order
itself shows what was asked for, and says that the outcome is unknown if that takes too long.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import aiohttp

from venues.accountreads import AccountReads
from venues.brokers import (
    Instruction,
    NotSentError,
    OrderSeen,
    RefusedError,
    UnknownOutcomeError,
    VenueState,
)
from venues.bybit.client.account import AccountReader, Row
from venues.bybit.client.accountrows import CATEGORY, SETTLE_COIN, STATES, creation, steps
from venues.bybit.client.accountstream import AccountStream
from venues.bybit.client.addresses import Addresses
from venues.bybit.client.rest import (
    ApiError,
    Credentials,
    NoAnswerError,
    Rest,
    new_session,
)
from venues.contractnames import Names
from venues.feeds.events import Contract

CREATE, AMEND, CANCEL, CANCEL_ALL = (
    f"/v5/order/{name}" for name in ("create", "amend", "cancel", "cancel-all")
)
TIMEOUT_S: Final = 5.0
POLL_S: Final = 0.1
DUPLICATE: Final = 110072
ENDED: Final = (110001, 110008, 110010)
"""There is no such open order (any more)."""
NOT_SENT: Final = (10002, 10006, 10018, 10429)
"""A wrong time, and limits of the key, the address and the venue."""
DOUBTFUL: Final = (429, 10000, 10014, 10016)
"""High load, a timeout at the venue, a repeated request, an error of the venue."""
FOR_GOOD: Final = range(10001, 11000)
"""Codes for requests that are wrong in themselves: parameters, keys, signatures, permissions."""


class BybitBroker(AccountReads[AccountReader]):
    """An account at Bybit (venues.brokers.Broker)."""

    name = "bybit"

    def __init__(
        self,
        session: aiohttp.ClientSession,
        addresses: Addresses,
        credentials: Credentials,
        contracts: Mapping[str, Contract],
    ) -> None:
        """`contracts`: those that are traded, by our symbols."""
        self._rest = Rest(session, addresses.rest, credentials)
        self._names = Names(contracts)
        reader = AccountReader(self._rest, self._names)
        url = f"{addresses.sockets}/v5/private"
        super().__init__(reader, AccountStream(session, url, credentials, reader))

    async def place(self, order: Instruction) -> OrderSeen:
        contract = self._contract(order.symbol)
        try:
            await self._post(CREATE, creation(order, contract.symbol, contract.lattice))
        except ApiError as error:
            if error.code != DUPLICATE:
                return await self._rejected(order, error)
        return await self._once(order.client_id, lambda row: True)

    async def amend(self, client_id: str, *, lots: int, ticks: int) -> OrderSeen:
        row = await self._open_row(client_id)
        if row is None:
            return await self.order(client_id)
        lattice = (await self._reader.named(row["symbol"])).contract.lattice
        fields = self._target(row) | {"qty": f"{lattice.quantity(lots):f}"}
        if ticks:
            fields["price"] = f"{lattice.price(ticks):f}"

        def is_amended(now: Row) -> bool:
            sizes = steps(now["qty"], lattice.lot_size), steps(now["price"], lattice.tick_size)
            return is_final(now) or sizes == (lots, ticks)

        if is_amended(row):
            return await self._reader.order_of(row)
        try:
            await self._post(AMEND, fields)
        except ApiError as error:
            if error.code not in ENDED:
                raise RefusedError(str(error)) from error
        return await self._once(client_id, is_amended)

    async def cancel(self, client_id: str) -> OrderSeen:
        row = await self._open_row(client_id)
        if row is None:
            return await self.order(client_id)
        try:
            await self._post(CANCEL, self._target(row))
        except ApiError as error:
            if error.code not in ENDED:
                raise RefusedError(str(error)) from error
        return await self._once(client_id, is_final)

    async def cancel_all(self, symbol: str = "") -> None:
        which = {"symbol": self._contract(symbol).symbol} if symbol else {"settleCoin": SETTLE_COIN}
        try:
            await self._post(CANCEL_ALL, {"category": CATEGORY, **which})
        except ApiError as error:
            raise RefusedError(str(error)) from error

    async def order(self, client_id: str) -> OrderSeen:
        row = await self._reader.order_row(client_id)
        if row is not None:
            return await self._reader.order_of(row)
        return OrderSeen.unknown(client_id, self._reader.now_ms())

    def _contract(self, symbol: str) -> Contract:
        found = self._names.of_ours(symbol)
        if found is None:
            raise RefusedError(f"{symbol} is not traded through this broker")
        return found

    async def _post(self, path: str, body: Mapping[str, Any]) -> None:
        """Send a request; raise BrokerError, or ApiError if the venue rejects what it says."""
        try:
            await self._rest.post(path, **body)
        except NoAnswerError as error:
            if error.was_sent:
                raise UnknownOutcomeError(str(error)) from error
            raise NotSentError(str(error)) from error
        except ApiError as error:
            if error.code in NOT_SENT:
                raise NotSentError(str(error)) from error
            if error.code in DOUBTFUL:
                raise UnknownOutcomeError(str(error)) from error
            if error.code in FOR_GOOD:
                raise RefusedError(str(error)) from error
            raise

    async def _rejected(self, order: Instruction, error: ApiError) -> OrderSeen:
        """Return an order that the venue did not take, unless an earlier attempt placed it."""
        seen = await self.order(order.client_id)
        if seen.report.state is VenueState.REJECTED:
            return replace(seen, reason=str(error))
        if seen.report.state is not VenueState.UNKNOWN:
            return seen
        return OrderSeen.rejected(order, seen.report.number, str(error))

    async def _open_row(self, client_id: str) -> Row | None:
        row = await self._reader.order_row(client_id)
        return None if row is None or is_final(row) else row

    def _target(self, row: Row) -> dict[str, Any]:
        return {"category": CATEGORY, "symbol": row["symbol"], "orderId": row["orderId"]}

    async def _once(self, client_id: str, is_done: Callable[[Row], bool]) -> OrderSeen:
        """Return an order once it shows what was asked for; raise UnknownOutcomeError."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while (row := await self._reader.order_row(client_id)) is None or not is_done(row):
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise UnknownOutcomeError(
                f"order {client_id} does not show the request after {TIMEOUT_S:g} s"
            ) from None
        except NotSentError as error:  # the read; the request was acknowledged
            raise UnknownOutcomeError(str(error)) from error
        return await self._reader.order_of(row)


def is_final(row: Row) -> bool:
    return STATES[row["orderStatus"]] is not VenueState.WORKING


@asynccontextmanager
async def opened(
    addresses: Addresses, credentials: Credentials, contracts: Mapping[str, Contract]
) -> AsyncGenerator[BybitBroker, None]:
    """Open a broker on the event loop that runs."""
    async with new_session() as session:
        yield BybitBroker(session, addresses, credentials, contracts)
