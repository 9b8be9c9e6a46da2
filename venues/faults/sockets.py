"""Faults of one WebSocket."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from live import transports
from venues.faults.dialects import Dialect
from venues.faults.dice import Dice, Runs
from venues.faults.profiles import Outage, Profile

BURST_S: Final = 0.2
"""Messages closer to each other than this belong to a burst."""
MOST_DELAYED: Final = 10_000
RESTARTING: Final = 1012
"""Close code of a service that restarts."""
TOO_MANY: Final = 1008
CHECK_S: Final = 0.25
"""Between two looks at whether an outage has begun or ended."""


class FaultySocket:
    """Stands between the application of a door and one client."""

    def __init__(
        self,
        send: Any,
        dialect: Dialect,
        profile: Profile,
        dice: Dice,
        is_now: Callable[[Outage | None], bool],
        log: Any,
    ) -> None:
        self._send = send
        self._dialect = dialect
        self._profile = profile
        self._dice, self._runs = dice, Runs(dice)
        self._is_now = is_now
        self._log = log
        self._messages = 0
        self._sent_at = float("-inf")
        self._due_at = 0.0
        self._queue: asyncio.Queue[tuple[float, Any]] = asyncio.Queue(MOST_DELAYED)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def transport(self) -> Any:
        """The connection of the client, for `live.transports`."""
        return transports.transport_of(self._send)

    async def run(self, application: Any, scope: Any, receive: Any) -> None:
        """Serve the connection until the application is done with it."""

        if self._is_now(self._profile.outage):
            self._note("refused")
            await receive()
            await self._send({"type": "websocket.close"})
            return
        if self._profile.delay is not None:
            self._start(self._send_late())
        if self._profile.outage is not None:
            self._start(self._close_in_time())
        if self._profile.silence is not None:
            self._start(self._break_after_silence())
        try:
            await application(scope, partial(self._receive, receive), self.send)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _receive(self, receive: Any) -> Any:
        """Return the next event that reaches the application."""
        while (event := await receive())["type"] == "websocket.receive":
            await pause(self._dice, self._profile)
            if self._is_now(self._profile.silence):
                continue
            refused = self._refusal(event.get("text"))
            if refused is None:
                break
            await self._send_if_open({"type": "websocket.send", "text": refused})
            await self._send_if_open({"type": "websocket.close", "code": TOO_MANY})
            return {"type": "websocket.disconnect", "code": TOO_MANY}
        return event

    def _refusal(self, text: str | None) -> str | None:
        """Return the refusal of a request, if it is to be refused."""
        refused = None if text is None else self._dialect.refused_message(text)
        profile = self._profile
        if refused is None or not self._runs.hits("too_many", profile.too_many, profile.run):
            return None
        self._note("too many requests")
        return refused

    async def send(self, event: Any) -> None:
        """Send an event of the application, unless a fault prevents that."""
        text = event.get("text")
        if event["type"] != "websocket.send" or text is None:
            await self._forward(event)
            return
        self._messages += 1
        if self._is_now(self._profile.silence):
            self._note("silence")
            return
        in_burst = time.monotonic() - self._sent_at < BURST_S
        self._sent_at = time.monotonic()
        if in_burst and self._dice.hits(self._profile.disconnects):
            self._note("disconnected")
            transports.abort(self._send)
        elif self._dice.hits(self._profile.garbage):
            self._note("garbage")
            await self._forward({**event, "text": self._dice.garbage(text)})
        elif self._dialect.is_book(text):
            await self._send_book(event, text)
        elif self._dialect.is_order_reply(text) and self._dice.hits(self._profile.lost):
            self._note("answer lost")
        elif self._dialect.is_news(text):
            await self._send_news(event)
        else:
            await self._forward(event)

    async def _send_book(self, event: Any, text: str) -> None:
        if self._runs.hits("missing", self._profile.missing, self._profile.run):
            self._note("change of a book lost")
            return
        if self._dice.hits(self._profile.misnumbered):
            self._note("change of a book misnumbered")
            event = {**event, "text": self._dialect.misnumbered(text)}
        await self._forward(event)

    async def _send_news(self, event: Any) -> None:
        if self._dice.hits(self._profile.late):
            self._note("late")
            self._start(self._send_after(self._profile.late_s, event))
            return
        await self._forward(event)
        if self._dice.hits(self._profile.repeated):
            self._note("sent twice")
            await self._forward(event)

    async def _forward(self, event: Any) -> None:
        """Send an event now, or behind those that are delayed."""
        if self._profile.delay is None:
            await self._send(event)
            return
        due_at = time.monotonic() + self._dice.delay_s(self._profile.delay)
        self._due_at = max(due_at, self._due_at)
        await self._queue.put((self._due_at, event))

    async def _send_late(self) -> None:
        while True:
            due_at, event = await self._queue.get()
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            await self._send_if_open(event)

    async def _send_after(self, seconds: float, event: Any) -> None:
        await asyncio.sleep(seconds)
        await self._send_if_open(event)

    async def _send_if_open(self, event: Any) -> None:
        try:
            await self._send(event)
        except (OSError, RuntimeError):  # disconnected, or closed, meanwhile
            self._note("too late")

    async def _close_in_time(self) -> None:
        """Disconnect when maintenance begins."""
        await self._until(self._profile.outage, is_now=True)
        self._note("closed for maintenance")
        await self._send_if_open({"type": "websocket.close", "code": RESTARTING})

    async def _break_after_silence(self) -> None:
        """Break the connection after a silence, so that the client knows that it missed some."""
        await self._until(self._profile.silence, is_now=True)
        await self._until(self._profile.silence, is_now=False)
        self._note("broken after a silence")
        transports.abort(self._send)

    async def _until(self, outage: Outage | None, *, is_now: bool) -> None:
        while self._is_now(outage) != is_now:
            await asyncio.sleep(CHECK_S)

    def _start(self, running: Any) -> None:
        self._tasks.append(asyncio.create_task(running))

    def _note(self, fault: str) -> None:
        self._log.info("fault injected", fault=fault, message=self._messages)


async def pause(dice: Dice, profile: Profile) -> None:
    if seconds := dice.delay_s(profile.delay):
        await asyncio.sleep(seconds)
