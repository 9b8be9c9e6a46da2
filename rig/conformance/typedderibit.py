"""typed-deribit against the door: it checks each answer against the documented schema."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from typed_core.http import HttpClient
from typed_deribit.core.auth import Credentials
from typed_deribit.core.transport.http import OAuthHttpRpcClient
from typed_deribit.core.transport.ws import SocketRpcStreamClient
from typed_deribit.main import Deribit

from rig.conformance.matrix import Check, require
from rig.venues import Venue

NAME: Final = "BTC_USDC-PERPETUAL"
INDEX: Final = "btc_usdc"
AMOUNT: Final = 0.02
MARKET: Final = {"instrument_name": NAME, "amount": AMOUNT, "type": "market"}
WAIT_S: Final = 30.0
Talk = Callable[[Any], Awaitable[Any]]


@asynccontextmanager
async def connected(venue: Venue) -> AsyncIterator[Any]:
    """Yield a client whose answers are validated."""
    keys = Credentials(venue.key, venue.secret)
    client = Deribit(
        rpc_client=OAuthHttpRpcClient(
            http=HttpClient(), base_url=f"{venue.http}/api/v2", credentials=keys, validate=True
        ),
        ws_client=SocketRpcStreamClient.new(f"{venue.ws}/ws/api/v2", credentials=keys),
    )
    async with client:
        yield client


class TypedDeribit:
    """Methods over both transports; each check has a client of its own."""

    def __init__(self, venue: Venue, transport: str) -> None:
        self._venue = venue
        self._on = {"transport": transport}

    def check(self, talk: Talk) -> Check:
        async def run() -> None:
            async with asyncio.timeout(WAIT_S), connected(self._venue) as client:
                require(await talk(client), "nothing was answered")

        return lambda: asyncio.run(run())

    def checks(self) -> Mapping[str, Check]:
        on = self._on
        talks: dict[str, Talk] = {
            "server time": lambda of: of.supporting.get_time(**on),
            "instruments": lambda of: of.market_data.get_instruments(currency="any", **on),
            "ticker": lambda of: of.market_data.ticker(NAME, **on),
            "price index": lambda of: of.market_data.get_index_price(INDEX, **on),
            "order book": lambda of: of.market_data.get_order_book(NAME, **on),
            "recent trades": lambda of: of.market_data.get_last_trades_by_instrument(NAME, **on),
            "candles": self.candles,
            "balance": lambda of: of.account.get_account_summaries(**on),
            "place order": self.place,
            "amend order": self.amend,
            "cancel order": self.cancel,
            "cancel all orders": self.cancel_all,
            "open orders": self.open_orders,
            "order history": self.history,
            "executions": self.executions,
            "positions": self.positions,
        }
        return {name: self.check(talk) for name, talk in talks.items()}

    async def candles(self, client: Any) -> Any:
        now = datetime.now(UTC)
        return await client.market_data.get_tradingview_chart_data(
            instrument_name=NAME,
            start_timestamp=now - timedelta(hours=1),
            end_timestamp=now,
            resolution="1",
            **self._on,
        )

    async def price(self, client: Any) -> float:
        found = await client.market_data.ticker(NAME, **self._on)
        return round(float(found["best_bid_price"]) * 0.97, 1)

    async def place(self, client: Any) -> str:
        order = {"instrument_name": NAME, "amount": AMOUNT, "type": "limit"}
        made = await client.trading.buy({**order, "price": await self.price(client)}, **self._on)
        return str(made["order"]["order_id"])

    async def buy(self, client: Any) -> str:
        return str((await client.trading.buy(MARKET, **self._on))["order"]["order_id"])

    async def amend(self, client: Any) -> Any:
        order, price = await self.place(client), await self.price(client)
        made = await client.trading.edit(order, amount=2 * AMOUNT, price=price, **self._on)
        require(made["order"]["amount"] == 2 * AMOUNT, "unchanged")
        return made

    async def cancel(self, client: Any) -> Any:
        return await client.trading.cancel(await self.place(client), **self._on)

    async def cancel_all(self, client: Any) -> Any:
        await self.place(client)
        return await client.trading.cancel_all(**self._on)

    async def open_orders(self, client: Any) -> Any:
        order = await self.place(client)
        found = await client.trading.get_open_orders_by_instrument(NAME, **self._on)
        return [each for each in found if each["order_id"] == order]

    async def history(self, client: Any) -> Any:
        order = await self.buy(client)
        found = await client.trading.get_order_history_by_instrument(
            instrument_name=NAME, **self._on
        )
        return [each for each in found if each["order_id"] == order]

    async def executions(self, client: Any) -> Any:
        return await client.trading.get_user_trades_by_order(await self.buy(client), **self._on)

    async def positions(self, client: Any) -> Any:
        await self.buy(client)
        return await client.account.get_positions(**self._on)


class TypedStreams:
    """Channels; each message is validated."""

    def __init__(self, venue: Venue, rest: TypedDeribit) -> None:
        self._venue, self._rest = venue, rest

    def checks(self) -> Mapping[str, Check]:
        rest = self._rest
        return {
            "stream: order book": self.watching(
                lambda of: of.streams.market_data.book(NAME, interval="100ms"), messages=5
            ),
            "stream: trades": self.watching(
                lambda of: of.streams.market_data.trades_by_instrument(NAME, interval="100ms")
            ),
            "stream: ticker": self.watching(
                lambda of: of.streams.market_data.ticker(NAME, interval="100ms"), messages=3
            ),
            "stream: price index": self.watching(
                lambda of: of.streams.market_data.price_index(INDEX), messages=3
            ),
            "stream: candles": self.watching(
                lambda of: of.streams.market_data.chart_trades(NAME, resolution="1")
            ),
            "stream: orders": self.watching(
                lambda of: of.streams.user.orders_by_instrument_raw(NAME), rest.place
            ),
            "stream: executions": self.watching(
                lambda of: of.streams.user.trades_by_instrument(NAME, interval="100ms"), rest.buy
            ),
            "stream: wallet": self.watching(
                lambda of: of.streams.user.portfolio("USDC"), rest.buy, messages=2
            ),
        }

    def watching(
        self, follow: Callable[[Any], Any], act: Talk | None = None, messages: int = 1
    ) -> Check:
        """Return a check that awaits messages while it acts again and again."""

        async def acting(client: Any) -> None:
            while act is not None:
                await act(client)
                await asyncio.sleep(0.5)

        async def check() -> None:
            async with asyncio.timeout(WAIT_S), connected(self._venue) as client:
                other = asyncio.create_task(acting(client))
                try:
                    async with follow(client) as heard:
                        for _ in range(messages):
                            require(await anext(aiter(heard)), "an empty message")
                finally:
                    other.cancel()

        return lambda: asyncio.run(check())
