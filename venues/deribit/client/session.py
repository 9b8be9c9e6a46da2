"""Requests to Deribit over one WebSocket: logged in, paced, repeated only where that is safe."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from exchange.accounts.signatures import signature
from venues.deribit.client.errors import LostError, RefusedError, UnavailableError
from venues.deribit.client.pacing import Pacer, QueueFullError
from venues.deribit.client.rpc import ANSWER_S, RpcClient
from venues.deribit.signing import login_text

READ_ATTEMPTS: Final = 8
WRITE_ATTEMPTS: Final = 3
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 3.0
TOO_MANY, RETRY, SETTLEMENT, QUEUE_FULL, MAINTENANCE, TIMED_OUT = (
    10028, 10040, 10041, 10047, 11051, 13888,
)  # fmt: skip
NOT_NOW: Final = (TOO_MANY, RETRY, SETTLEMENT, QUEUE_FULL, MAINTENANCE)
"""Codes after which the venue has certainly done nothing, and may do it a moment later."""
LOGGED_OUT: Final = (10000, 13009)
"""A connection whose login ended: another one is opened."""
MATCHING: Final = ("private/buy", "private/sell", "private/edit", "private/cancel")
"""How the methods begin that the venue limits as orders."""


@dataclass(frozen=True)
class Credentials:
    client_id: str
    client_secret: str = field(repr=False)


async def log_in(client: RpcClient, credentials: Credentials) -> int:
    """Prove who we are without sending the secret; return the venue's time in milliseconds."""
    at, nonce = int(await client.call("public/get_time")), secrets.token_hex(8)
    proof = signature(credentials.client_secret, login_text(str(at), nonce, ""))
    await client.call("public/auth", {
        "grant_type": "client_signature", "client_id": credentials.client_id, "timestamp": at,
        "nonce": nonce, "data": "", "signature": proof,
    })  # fmt: skip
    return at


class Session:
    """A connection that is opened when it is needed, and again after it broke.

    Methods raise RefusedError, UnavailableError (the request was not sent, or not executed) or
    LostError (it may have been executed, or may be yet).
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials | None = None,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._url = url
        self._answer_s = answer_s
        self._credentials = credentials
        self._client: RpcClient | None = None
        self._opening = asyncio.Lock()
        self._orders = Pacer(time.monotonic, 5.0, burst=20)
        self._others = Pacer(time.monotonic, 20.0, burst=80)
        self._ahead_ms = 0
        """How far the venue's clock is ahead of ours."""

    def now_ms(self) -> int:
        """Return the time by the clock of the venue, as far as it is known."""
        return time.time_ns() // 1_000_000 + self._ahead_ms

    async def read(self, method: str, params: Mapping[str, Any]) -> Any:
        """Return what the venue answers; repeat until it does."""
        return await self._insist(method, params, READ_ATTEMPTS, is_read=True)

    async def write(self, method: str, params: Mapping[str, Any]) -> Any:
        """Send a request that is executed at most once; return what the venue answers."""
        return await self._insist(method, params, WRITE_ATTEMPTS, is_read=False)

    async def connect(self) -> None:
        """Connect and log in, unless that was done."""
        await self._connected()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _insist(
        self, method: str, params: Mapping[str, Any], attempts: int, *, is_read: bool
    ) -> Any:
        pause = FIRST_PAUSE_S
        for attempt in range(1, attempts + 1):
            is_last = attempt == attempts
            try:
                return await self._once(method, params)
            except UnavailableError:
                if is_last:
                    raise
            except LostError as error:
                if not is_read:
                    raise
                if is_last:
                    raise UnavailableError(str(error)) from error
            except RefusedError as error:
                if error.code in LOGGED_OUT and self._credentials is not None and not is_last:
                    await self.close()
                elif error.code not in NOT_NOW:
                    raise
                elif is_last:
                    raise UnavailableError(str(error)) from error
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        raise AssertionError("unreachable")

    async def _once(self, method: str, params: Mapping[str, Any]) -> Any:
        try:
            pacer = self._orders if method.startswith(MATCHING) else self._others
            await asyncio.sleep(pacer.delay_s())
        except QueueFullError as error:
            raise UnavailableError(str(error)) from error
        client = await self._connected()
        return await client.call(method, params)

    async def _connected(self) -> RpcClient:
        async with self._opening:
            if self._client is not None and self._client.is_open:
                return self._client
            client = await RpcClient.open(self._url, answer_s=self._answer_s)
            try:
                if self._credentials is not None:
                    at = await log_in(client, self._credentials)
                    self._ahead_ms = at - time.time_ns() // 1_000_000
            except LostError as error:  # of the login: the request itself was not sent
                raise UnavailableError(str(error)) from error
            except BaseException:
                await client.close()
                raise
            self._client = client
            return client
