"""The broker of Deribit: linear futures of one account.

A client id is the `label` of its order. Deribit does not refuse a label that was used before, so
this broker does: it sends an order only after the venue shows none with its label, neither among
recent orders, nor among open ones, nor in the history. A request whose answer was lost may still be
on its way; it carries `valid_until`, after which the venue does not execute it, and its label is
not used again, or called unknown, before that.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from exchange.engine.messages import BUY
from venues.accountreads import AccountReads
from venues.brokers import (
    Instruction,
    NotSentError,
    OrderSeen,
    RefusedError,
    UnknownOutcomeError,
    VenueState,
)
from venues.contractnames import Names
from venues.deribit.client import errors
from venues.deribit.client.account import AccountReader, Row
from venues.deribit.client.accountrows import change, creation, is_final, limit_of
from venues.deribit.client.accountstream import AccountStream
from venues.deribit.client.parsing import steps
from venues.deribit.client.session import TIMED_OUT, Credentials, Session
from venues.doubts import Doubts
from venues.feeds.events import Contract

VALID_S: Final = 5.0
"""For how long the venue may execute an order after it was sent."""
MARGIN_S: Final = 0.5
"""By how much the venue's clock may be known wrongly, and an order be shown late."""
QUIET_S: Final = VALID_S + MARGIN_S
"""For how long orders of an earlier process may still be executed."""
ENDED: Final = (10004, 10010, 11008, 11044)
"""There is no such open order (any more)."""
DOUBTFUL: Final = (10001, 11094)
"""Errors of the venue itself."""
FOR_GOOD: Final = (10000, 10020, 10025, 10029, 10030, 10033, 11029, 11050, 13004, 13009, 13021)
"""Codes for requests that are wrong in themselves: parameters, keys, permissions."""


class DeribitBroker(AccountReads[AccountReader]):
    """An account at Deribit (venues.brokers.Broker)."""

    name = "deribit"

    def __init__(
        self,
        url: str,
        session: Session,
        credentials: Credentials,
        contracts: Mapping[str, Contract],
        quiet_s: float,
    ) -> None:
        """`contracts`: those that are traded, by our symbols; `quiet_s`: see venues.doubts."""
        self._session = session
        self._names = Names(contracts)
        reader = AccountReader(session, self._names)
        super().__init__(reader, AccountStream(url, credentials, reader))
        self._doubts = Doubts(quiet_s)

    async def place(self, order: Instruction) -> OrderSeen:
        contract, label = self._contract(order.symbol), order.client_id
        async with self._doubts.alone(label):
            if (row := await self._settled(label)) is not None:
                return await self._reader.order_of(row)
            valid_until = self._session.now_ms() + round(VALID_S * 1_000)
            self._doubts.sent(label, VALID_S + MARGIN_S)
            try:
                fields = creation(order, contract.symbol, contract.lattice, valid_until)
                answer = await self._write(f"private/{_side(order)}", fields)
            except errors.RefusedError as error:
                self._doubts.answered(label)
                return await self._rejected(order, error)
            except (NotSentError, RefusedError):
                self._doubts.answered(label)
                raise
            self._doubts.answered(label)
            return await self._reader.order_of(answer["order"])

    async def amend(self, client_id: str, *, lots: int, ticks: int) -> OrderSeen:
        row = await self._settled(client_id)
        if row is None or is_final(row):
            return await self._seen(client_id, row)
        lattice = (await self._reader.named(row["instrument_name"])).contract.lattice
        if (steps(row["amount"], lattice.lot_size), limit_of(row, lattice)) == (lots, ticks):
            return await self._reader.order_of(row)
        return await self._changed("private/edit", client_id, change(row, lots, ticks, lattice))

    async def cancel(self, client_id: str) -> OrderSeen:
        row = await self._settled(client_id)
        if row is None or is_final(row):
            return await self._seen(client_id, row)
        return await self._changed("private/cancel", client_id, {"order_id": row["order_id"]})

    async def cancel_all(self, symbol: str = "") -> None:
        method, which = "private/cancel_all", {}
        if symbol:
            method = "private/cancel_all_by_instrument"
            which = {"instrument_name": self._contract(symbol).symbol}
        try:
            await self._write(method, which)
        except errors.RefusedError as error:
            raise RefusedError(str(error)) from error

    async def order(self, client_id: str) -> OrderSeen:
        return await self._seen(client_id, await self._settled(client_id))

    def _contract(self, symbol: str) -> Contract:
        found = self._names.of_ours(symbol)
        if found is None:
            raise RefusedError(f"{symbol} is not traded through this broker")
        return found

    async def _settled(self, label: str) -> Row | None:
        """Return the order with a label; None if there is none, and none can come any more."""
        return await self._doubts.settled(label, lambda: self._reader.order_row(label))

    async def _seen(self, client_id: str, row: Row | None) -> OrderSeen:
        if row is not None:
            return await self._reader.order_of(row)
        return OrderSeen.unknown(client_id, self._reader.now_ms())

    async def _changed(self, method: str, client_id: str, fields: Mapping[str, Any]) -> OrderSeen:
        """Change an order; return it as it is then, also if it ended meanwhile."""
        try:
            answer = await self._write(method, fields)
        except errors.RefusedError as error:
            if error.code not in ENDED:
                raise RefusedError(str(error)) from error
            return await self.order(client_id)
        return await self._reader.order_of(answer.get("order", answer))

    async def _write(self, method: str, fields: Mapping[str, Any]) -> Any:
        """Send a request; raise BrokerError, or errors.RefusedError if the venue rejects it."""
        try:
            return await self._session.write(method, fields)
        except errors.UnavailableError as error:
            raise NotSentError(str(error)) from error
        except errors.LostError as error:
            raise UnknownOutcomeError(str(error)) from error
        except errors.RefusedError as error:
            if error.code == TIMED_OUT:
                raise NotSentError(str(error)) from error
            if error.code in DOUBTFUL:
                raise UnknownOutcomeError(str(error)) from error
            if error.code in FOR_GOOD or error.code < 0:
                raise RefusedError(str(error)) from error
            raise

    async def _rejected(self, order: Instruction, error: errors.RefusedError) -> OrderSeen:
        """Return an order that the venue did not take, as it shows it if it does."""
        row = await self._reader.order_row(order.client_id)
        if row is not None:
            seen = await self._reader.order_of(row)
            is_rejected = seen.report.state is VenueState.REJECTED
            return replace(seen, reason=str(error)) if is_rejected else seen
        return OrderSeen.rejected(order, self._reader.now_ms(), str(error))


def _side(order: Instruction) -> str:
    return "buy" if order.side == BUY else "sell"


@asynccontextmanager
async def opened(
    url: str, credentials: Credentials, contracts: Mapping[str, Contract]
) -> AsyncGenerator[DeribitBroker, None]:
    """Open a broker on the event loop that runs."""
    session = Session(url, credentials)
    try:
        yield DeribitBroker(url, session, credentials, contracts, QUIET_S)
    finally:
        await session.close()
