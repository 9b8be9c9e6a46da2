"""Faults between a door and its clients: an ASGI application around that of the door."""

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from live import transports
from venues.faults.dialects import Answer, Dialect
from venues.faults.dice import Dice, Runs
from venues.faults.profiles import Outage, Profile
from venues.faults.sockets import CHECK_S, FaultySocket, pause

logger = structlog.get_logger(__name__)

PROXY_ERRORS: Final = (
    Answer(502, b"<html><head><title>502 Bad Gateway</title></head></html>"),
    Answer(503, b"<html><head><title>503 Service Temporarily Unavailable</title></head></html>"),
)


class Faults:
    """Injects the faults of a profile. The same seed gives the same faults to the same requests.

    The decisions depend on the seed, the path and the number of the connection to that path.
    """

    def __init__(
        self,
        application: Any,
        dialect: Dialect,
        profile: Profile,
        seed: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._application = application
        self._dialect = dialect
        self._profile = profile
        self._seed = seed
        self._clock = clock
        self._opened_at = clock()
        self._numbers: dict[str, itertools.count[int]] = {}
        self._requests: dict[str, tuple[Dice, Runs]] = {}

    def is_now(self, outage: Outage | None) -> bool:
        """Return whether the door does not work now, e.g. is under maintenance."""
        return outage is not None and outage.is_on(self._clock() - self._opened_at)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    async def _socket(self, scope: Any, receive: Any, send: Any) -> None:
        number = next(self._numbers.setdefault(scope["path"], itertools.count(1)))
        name = f"{scope['path']}#{number}"
        log = logger.bind(profile=self._profile.name, seed=self._seed, connection=name)
        dice = Dice(self._seed, name)
        socket = FaultySocket(send, self._dialect, self._profile, dice, self.is_now, log)
        await socket.run(self._application, scope, receive)

    async def _request(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or let the door answer it late, or not at all."""
        dice, runs = self._dice_of(f"{scope['method']} {scope['path']}")
        answer = self._refusal(scope, dice, runs)
        await pause(dice, self._profile)
        if answer is not None:
            await respond(send, answer)
        elif self.is_now(self._profile.silence):
            self._log(scope, "silence")
            while self.is_now(self._profile.silence):
                await asyncio.sleep(CHECK_S)
            transports.abort(send)
        elif dice.hits(self._profile.garbage):
            self._log(scope, "garbage")
            await self._application(scope, receive, discard)
            await respond(send, Answer(200, dice.garbage("").encode()))
        elif self._dialect.is_order_request(scope) and dice.hits(self._profile.lost):
            self._log(scope, "answer lost")
            await self._application(scope, receive, discard)
            transports.abort(send)
        else:
            await pause(dice, self._profile)
            await self._application(scope, receive, send)

    def _refusal(self, scope: Any, dice: Dice, runs: Runs) -> Answer | None:
        profile = self._profile
        if self.is_now(profile.outage):
            self._log(scope, "maintenance")
            return self._dialect.closed()
        if runs.hits("too_many", profile.too_many, profile.run):
            self._log(scope, "too many requests")
            return self._dialect.too_many_requests()
        if runs.hits("errors", profile.errors, profile.run):
            self._log(scope, "server error")
            return PROXY_ERRORS[dice.hits(0.5)]
        return None

    def _dice_of(self, request: str) -> tuple[Dice, Runs]:
        if request not in self._requests:
            dice = Dice(self._seed, request)
            self._requests[request] = dice, Runs(dice)
        return self._requests[request]

    def _log(self, scope: Any, fault: str) -> None:
        logger.info(
            "fault injected",
            fault=fault,
            profile=self._profile.name,
            seed=self._seed,
            request=f"{scope['method']} {scope['path']}",
        )


async def respond(send: Any, answer: Answer) -> None:
    headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def discard(event: Any) -> None:
    """Take a part of an answer that is lost."""
