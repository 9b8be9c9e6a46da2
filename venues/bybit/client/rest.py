"""Requests to Bybit v5 over HTTP: signed, within its limits, repeated only where that is safe."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import orjson

from venues.bybit.client.pacing import Pacer
from venues.bybit.signing import request_text, signature

TIMEOUT_S: Final = 10.0
WINDOW_MS: Final = 5_000
ATTEMPTS: Final = 8
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 3.0
WRONG_TIME, TOO_MANY, SERVER = 10002, 10006, 10016
NOT_EXECUTED: Final = (WRONG_TIME, TOO_MANY)
"""Codes after which the venue has certainly done nothing, and may do it a moment later."""
IP_LIMIT, TOO_MANY_REQUESTS = 403, 429
TIME: Final = "/v5/market/time"


class ApiError(Exception):
    """Bybit refused a request."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{text} (retCode {code})")
        self.code = code
        self.text = text


class NoAnswerError(Exception):
    """There was no answer. A request that `was_sent` may have been executed, or may be yet."""

    def __init__(self, text: str, *, was_sent: bool) -> None:
        super().__init__(text)
        self.was_sent = was_sent


@dataclass(frozen=True)
class Credentials:
    key: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Answered:
    """`at_ms`: the venue's clock."""

    result: Any
    more: Any
    at_ms: int


class Rest:
    """A client of one account, or of public endpoints alone."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: str,
        credentials: Credentials | None = None,
    ) -> None:
        self._session = session
        self._base = base
        self._credentials = credentials
        self._pacer = Pacer(time.monotonic)
        self._ahead_ms = 0
        """How far the venue's clock is ahead of ours."""

    def now_ms(self) -> int:
        """Return the time by the clock of the venue, as far as it is known."""
        return time.time_ns() // 1_000_000 + self._ahead_ms

    async def get(self, path: str, **query: Any) -> Answered:
        """Read; repeat until there is an answer. Raise ApiError or NoAnswerError."""
        return await self._insist("GET", path, query, repeats=True)

    async def post(self, path: str, **body: Any) -> Answered:
        """Write, at most once; raise ApiError or NoAnswerError."""
        return await self._insist("POST", path, body, repeats=False)

    async def _insist(
        self, method: str, path: str, fields: Mapping[str, Any], *, repeats: bool
    ) -> Answered:
        pause = FIRST_PAUSE_S
        for attempt in range(1, ATTEMPTS + 1):
            is_last = attempt == ATTEMPTS
            try:
                return await self._once(method, path, fields)
            except ApiError as error:
                if is_last or error.code not in (*NOT_EXECUTED, *((SERVER,) if repeats else ())):
                    raise
                if error.code == WRONG_TIME:
                    await self._synchronise()
            except NoAnswerError as error:
                if is_last or not (repeats or not error.was_sent):
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        raise AssertionError("unreachable")

    async def _once(self, method: str, path: str, fields: Mapping[str, Any]) -> Answered:
        while (seconds := self._pacer.delay(path)) > 0:
            await asyncio.sleep(seconds)
        self._pacer.sent(path)
        query = urlencode(fields) if method == "GET" else ""
        body = b"" if method == "GET" else orjson.dumps(fields)
        url = f"{self._base}{path}" + (f"?{query}" if query else "")
        headers = self._headers(query.encode() if method == "GET" else body)
        try:
            async with self._session.request(
                method, url, data=body or None, headers=headers
            ) as answer:
                return self._read(path, answer, await answer.read())
        except aiohttp.ClientConnectorError as error:
            raise NoAnswerError(f"{path}: {error}", was_sent=False) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise NoAnswerError(f"{path}: {reason}", was_sent=True) from error

    def _headers(self, sent: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if (credentials := self._credentials) is not None:
            stamp, window = str(self.now_ms()), str(WINDOW_MS)
            text = request_text(stamp, credentials.key, window, sent)
            headers |= {
                "X-BAPI-API-KEY": credentials.key,
                "X-BAPI-TIMESTAMP": stamp,
                "X-BAPI-RECV-WINDOW": window,
                "X-BAPI-SIGN": signature(credentials.secret, text),
            }
        return headers

    def _read(self, path: str, answer: aiohttp.ClientResponse, body: bytes) -> Answered:
        """Return what an answer says; raise ApiError or NoAnswerError."""
        try:
            said = orjson.loads(body)
            code, text, at_ms = int(said["retCode"]), str(said["retMsg"]), int(said["time"])
        except (ValueError, KeyError, TypeError):
            return self._refused_before(path, answer.status)
        self._pacer.learn(path, answer.headers, at_ms)
        if code:
            raise ApiError(code, text)
        return Answered(said["result"], said.get("retExtInfo"), at_ms)

    def _refused_before(self, path: str, status: int) -> Answered:
        """Raise the error of an answer that is not Bybit's, but of a proxy before it."""
        if status in (IP_LIMIT, TOO_MANY_REQUESTS):
            self._pacer.close(path, LONGEST_PAUSE_S)
            raise ApiError(TOO_MANY, f"HTTP {status}")
        raise NoAnswerError(f"{path}: HTTP {status}", was_sent=True)

    async def _synchronise(self) -> None:
        """Measure how far the venue's clock is from ours."""
        before = time.time_ns() // 1_000_000
        try:
            at_ms = (await self._once("GET", TIME, {})).at_ms
        except (ApiError, NoAnswerError):
            return  # the caller tries again, with the clock as it was
        after = time.time_ns() // 1_000_000
        self._ahead_ms = at_ms - (before + after) // 2


def new_session() -> aiohttp.ClientSession:
    """Return a session that gives up after TIMEOUT_S."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
