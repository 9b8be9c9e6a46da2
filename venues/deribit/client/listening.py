"""A connection to Deribit whose notifications are read in their order."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, NamedTuple

from venues.deribit.client.errors import LostError, RefusedError
from venues.deribit.client.rpc import RpcClient
from venues.deribit.client.session import Credentials, log_in

HEARTBEAT_S: Final = 15
SILENT_S: Final = 40.0
"""A connection without even heartbeats for this long is dead."""
MOST_UNREAD: Final = 10_000
"""Notifications that wait for the reader; then the connection is closed."""


class News(NamedTuple):
    """A notification of a channel."""

    channel: str
    data: Any


HEARTBEAT: Final = News("", [])
"""Stands for a message that only says that the venue is there."""


class Listener:
    """Use `listening`, which connects it."""

    def __init__(self) -> None:
        self._client: RpcClient | None = None
        self._heard: asyncio.Queue[News | None] = asyncio.Queue()
        self._reason = ""
        self._answering: set[asyncio.Task[None]] = set()

    async def connect(self, url: str, credentials: Credentials | None) -> None:
        """Connect and log in; raise UnavailableError, RefusedError or LostError."""
        self._client = await RpcClient.open(url, self._ended, told=self._told)
        if credentials is not None:
            await log_in(self._client, credentials)
        await self.call("public/set_heartbeat", {"interval": HEARTBEAT_S})

    async def call(self, method: str, params: Mapping[str, Any]) -> Any:
        if self._client is None:
            raise LostError("not connected")
        return await self._client.call(method, params)

    async def subscribe(self, channels: Sequence[str], *, access: str = "public") -> None:
        """Follow channels; raise RefusedError unless the venue has them all."""
        found = await self.call(f"{access}/subscribe", {"channels": list(channels)})
        if missing := sorted(set(channels) - set(found)):
            raise RefusedError(13017, f"no channel {', '.join(missing)}")

    async def hear(self) -> News:
        """Return the next notification, HEARTBEAT for a sign of life; raise LostError."""
        try:
            async with asyncio.timeout(SILENT_S):
                news = await self._heard.get()
        except TimeoutError:
            raise LostError(f"the venue was silent for {SILENT_S:.0f} s") from None
        if news is None:
            raise LostError(self._reason)
        return news

    async def close(self) -> None:
        await self._cut()
        if self._answering:
            await asyncio.wait(self._answering)

    def _told(self, method: str, params: Mapping[str, Any]) -> None:
        if method == "subscription":
            self._heard.put_nowait(News(params["channel"], params["data"]))
        else:
            self._heard.put_nowait(HEARTBEAT)
            if params.get("type") == "test_request":
                self._start(self._answer())
        if self._heard.qsize() > MOST_UNREAD and not self._reason:
            self._reason = f"{MOST_UNREAD} notifications wait to be read"
            self._start(self._cut())

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self) -> None:
        with suppress(LostError, RefusedError):  # hear() reports the end of the connection
            await self.call("public/test", {})

    async def _cut(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _ended(self, client: RpcClient) -> None:
        self._reason = self._reason or client.reason
        self._heard.put_nowait(None)


@asynccontextmanager
async def listening(
    url: str, credentials: Credentials | None = None
) -> AsyncGenerator[Listener, None]:
    """Connect; raise UnavailableError, RefusedError or LostError."""
    listener = Listener()
    try:
        await listener.connect(url, credentials)
        yield listener
    finally:
        await listener.close()
