"""Reads of an account at Bybit: orders, executions, positions, balance."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from venues.accountprogress import time_of
from venues.brokers import (
    Balance,
    ExecutionSeen,
    NotSentError,
    OrderSeen,
    PaymentSeen,
    PositionSeen,
    RefusedError,
)
from venues.bybit.client.accountrows import (
    CATEGORY,
    FUNDING,
    SETTLE_COIN,
    TRADES,
    balance_of,
    execution_seen,
    number_of,
    order_seen,
    payment_seen,
    position_seen,
)
from venues.bybit.client.parsing import contract_of
from venues.bybit.client.rest import Answered, ApiError, NoAnswerError, Rest
from venues.contractnames import Named, Names

ORDERS, HISTORY, EXECUTIONS = "/v5/order/realtime", "/v5/order/history", "/v5/execution/list"
PAGE: Final = 50
EXECUTIONS_PAGE: Final = 100
WEEK_MS: Final = 7 * 86_400_000
"""The longest time of which Bybit lists executions at once."""
UNAVAILABLE: Final = (429, 10000, 10002, 10006, 10016, 10018, 10429)
"""Codes after which a read may succeed later."""
Row = Mapping[str, Any]


class AccountReader:
    """Reads through one client. Methods raise BrokerError."""

    def __init__(self, rest: Rest, names: Names) -> None:
        self._rest = rest
        self._names = names

    def now_ms(self) -> int:
        return self._rest.now_ms()

    async def named(self, symbol: str) -> Named:
        """Return the instrument that the venue calls `symbol`, also one that we do not trade."""
        if (found := self._names.of_theirs(symbol)) is not None:
            return found
        answer = await self._get(
            "/v5/market/instruments-info", {"category": CATEGORY, "symbol": symbol}
        )
        return self._names.add(contract_of(symbol, answer.result["list"]))

    async def order_row(self, client_id: str) -> Row | None:
        """Return the newest state of an order, None if the venue does not know it."""
        asked = {"category": CATEGORY, "settleCoin": SETTLE_COIN, "orderLinkId": client_id}
        for path in (ORDERS, HISTORY):
            rows: list[Row] = (await self._get(path, asked)).result["list"]
            if rows:
                return rows[0]
        return None

    async def order_of(self, row: Row) -> OrderSeen:
        named = await self.named(row["symbol"])
        return order_seen(row, named.symbol, named.contract.lattice)

    async def open_orders(self) -> list[OrderSeen]:
        asked = {"category": CATEGORY, "settleCoin": SETTLE_COIN}
        return [await self.order_of(row) async for row in self._pages(ORDERS, asked, PAGE)]

    async def changed_orders(self, since_ms: int) -> list[Row]:
        """Return orders that changed at or after a moment, oldest change first.

        Of those that have ended, the venue remembers the newest 500.
        """
        found: dict[str, Row] = {}
        for only in ("1", "0"):  # what is open is read last: it may end meanwhile, not begin
            asked = {"category": CATEGORY, "settleCoin": SETTLE_COIN, "openOnly": only}
            async for row in self._pages(ORDERS, asked, PAGE):
                if int(row["updatedTime"]) >= since_ms:
                    found.setdefault(row["orderId"], row)
        return sorted(found.values(), key=lambda row: int(row["updatedTime"]))

    async def executions(self, since: int) -> list[ExecutionSeen]:
        """Return the executions of the millisecond of a number and later, oldest first.

        Those of that millisecond may be known already: numbers do not order them by their arrival.
        With 0, those of the last seven days.
        """
        spans = self._spans(time_of(since)) if since else [{}]
        rows = [row for span in spans for row in await self._execution_rows(span)]
        return await self._seen([row for row in rows if number_of(row) != since])

    def _spans(self, start_ms: int) -> list[dict[str, int]]:
        """Return the time since a moment in parts that one request may ask for."""
        starts = range(start_ms, max(self.now_ms(), start_ms) + 1, WEEK_MS)
        spans = [{"startTime": start, "endTime": start + WEEK_MS - 1} for start in starts]
        del spans[-1]["endTime"]  # what is newest, whatever the clocks say
        return spans

    async def executions_of(self, order_id: str) -> list[ExecutionSeen]:
        return await self._seen(await self._execution_rows({"orderId": order_id}))

    async def execution_of(self, row: Row) -> ExecutionSeen | None:
        """Return an execution, None for a payment."""
        if row["execType"] not in TRADES:
            return None
        named = await self.named(row["symbol"])
        return execution_seen(row, named.symbol, named.contract.lattice)

    async def positions(self) -> list[PositionSeen]:
        asked = {"category": CATEGORY, "settleCoin": SETTLE_COIN}
        found = []
        async for row in self._pages("/v5/position/list", asked, PAGE):
            named = await self.named(row["symbol"])
            found.append(position_seen(row, named.symbol, named.contract.lattice))
        return found

    async def payments(self, since: int) -> list[PaymentSeen]:
        """Return the funding of a moment (microseconds) and later, newest first in each week."""
        return [
            payment_seen(row, (await self.named(row["symbol"])).symbol)
            for span in self._spans(since // 1_000)
            for row in await self._execution_rows({"execType": FUNDING, **span})
        ]

    async def balance(self) -> Balance:
        answer = await self._get("/v5/account/wallet-balance", {"accountType": "UNIFIED"})
        return balance_of(answer.result["list"][0])

    async def _execution_rows(self, chosen: Mapping[str, Any]) -> list[Row]:
        asked = {"category": CATEGORY, **chosen}
        return [row async for row in self._pages(EXECUTIONS, asked, EXECUTIONS_PAGE)]

    async def _seen(self, rows: Sequence[Row]) -> list[ExecutionSeen]:
        """Return executions oldest first, of rows that the venue lists newest first."""
        ordered = list(reversed(rows))
        ordered.sort(key=lambda row: int(row["execTime"]))  # several requests may have listed them
        found = [await self.execution_of(row) for row in ordered]
        return [each for each in found if each is not None]

    async def _pages(self, path: str, asked: Mapping[str, Any], limit: int) -> AsyncIterator[Row]:
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            result = (await self._get(path, {**asked, "limit": limit, **more})).result
            for row in result["list"]:
                yield row
            cursor = result.get("nextPageCursor") or ""
            if not cursor or not result["list"]:
                return

    async def _get(self, path: str, query: Mapping[str, Any]) -> Answered:
        try:
            return await self._rest.get(path, **query)
        except NoAnswerError as error:
            raise NotSentError(str(error)) from error
        except ApiError as error:
            if error.code in UNAVAILABLE:
                raise NotSentError(str(error)) from error
            raise RefusedError(str(error)) from error
