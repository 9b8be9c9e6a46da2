"""The prices that one user follows, in order, each once, at the interval that the user chose."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from live.clientfeed import ClientFeed
from live.frames import Publication
from live.hub import current_hub
from live.reads import read
from venues.gateway import publishing, schedule
from venues.gateway.logins import LOGIN_LASTS_S, give_up
from venues.gateway.models import Connection, ConnectionState, PriceSubscription
from venues.gateway.prices import Price, newest_of, symbol_of

HEARTBEAT_S: Final = 15.0
CHECK_S: Final = 45.0
"""Between two looks at whether the connection has expired, or was deleted in the admin."""
MOST_WAITING: Final = 1_000
"""Events for a client that reads too slowly; then its stream ends, and it resumes."""
SILENT_FETCHES: Final = 2.5
SHORTEST_SILENCE_S: Final = 5.0
LATE_MS: Final = 250
"""Prices may come this much earlier than the interval: fetches are not exact."""


@dataclass
class Followed:
    """A ticker that a user follows."""

    interval_s: int
    has_prices: bool
    reason: str = ""
    is_unknown: bool = False
    """The venue does not know it, and is not asked any more."""
    sent: Price | None = None
    skipped: Price | None = None
    """The newest price that came before the interval was over."""
    heard_at: float = field(default_factory=time.monotonic)
    """When a price came last, or the ticker was subscribed."""
    is_silent: bool = False
    """Whether the user was told that no price comes."""


@dataclass
class Wanted:
    """What the database says of a connection; a pending login is over at `ends_at`, monotonic."""

    state: str
    reason: str
    tickers: dict[str, Followed] = field(default_factory=dict)
    ends_at: float | None = None


class PriceFeed:
    """Collects events; `take` returns them. Belongs to the loop of the web process."""

    def __init__(self, connection: int, since: Mapping[str, int] | None = None) -> None:
        self.is_ended = False
        self._connection = connection
        self._since = dict(since or {})
        self._followed: dict[str, Followed] = {}
        self._state = ""
        self._events: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._is_stale = True
        self._login_ends_at: float | None = None
        self._checked_at = time.monotonic()
        self._feed = ClientFeed(current_hub(), self._send, self._offer, self._fail)

    async def open(self) -> None:
        """Begin to follow; raise DatabaseError."""
        publishing.name_loop()
        schedule.ensure()
        await self._feed.follow([publishing.topic_of(self._connection)], {})

    async def close(self) -> None:
        await self._feed.close()

    async def take(self) -> list[dict[str, Any]]:
        """Return the next events, none after HEARTBEAT_S of silence; raise DatabaseError."""
        self._changed.clear()  # before the read: a change during it must end the wait below
        if time.monotonic() - self._checked_at >= CHECK_S:
            await self._check()
        if self._login_ends_at is not None and time.monotonic() >= self._login_ends_at:
            await read(give_up)
            self._is_stale = True
        if self._is_stale:
            self._is_stale = False
            await self._renew()
        if not self._events and not self.is_ended:
            try:
                async with asyncio.timeout(self._wait_s()):
                    await self._changed.wait()
            except TimeoutError:
                self._send_due()
                self._tell_silent()
        return self.take_now()

    def take_now(self) -> list[dict[str, Any]]:
        """Return the events that wait."""
        taken, self._events = self._events, []
        return taken

    async def _check(self) -> None:
        """Note whether the connection has ended; the stream outlives an outage of the database."""
        self._checked_at = time.monotonic()
        with contextlib.suppress(DatabaseError):
            if await read(has_ended, self._connection):
                self._is_stale = True

    async def _renew(self) -> None:
        """Follow what the database says; the newest price of the cache comes first."""
        wanted = await read(read_wanted, self._connection)
        self._login_ends_at = None if wanted is None else wanted.ends_at
        if wanted is None or wanted.state != self._state:
            self._state = "closed" if wanted is None else wanted.state
            reason = "" if wanted is None else wanted.reason
            self._tell({"type": "status", "state": self._state, "reason": reason})
        if wanted is None or self._state in (ConnectionState.REFUSED, ConnectionState.UNAVAILABLE):
            self.is_ended = True
            return
        for name in self._followed.keys() - wanted.tickers.keys():
            del self._followed[name]
            self._since.pop(name, None)
            await self._feed.leave(topic_of(name))
        for name, ticker in wanted.tickers.items():
            await self._follow(name, ticker)

    async def _follow(self, name: str, ticker: Followed) -> None:
        known = self._followed.get(name)
        if known is not None:
            known.interval_s = ticker.interval_s
        if ticker.reason != ("" if known is None else known.reason):
            state = "unknown" if ticker.is_unknown else "stale" if ticker.reason else "live"
            self._tell({"type": "status", "ticker": name, "state": state, "reason": ticker.reason})
        if known is not None and known.has_prices == ticker.has_prices:
            known.reason = ticker.reason
            return
        self._followed[name] = ticker
        if ticker.has_prices:
            if name not in self._since and (newest := await read(newest_of, name)) is not None:
                self._price(name, newest)  # the cache may be behind: what came since follows
            since = {topic_of(name): self._since[name]} if name in self._since else {}
            await self._feed.follow([topic_of(name)], since)

    async def _send(self, text: str) -> None:
        self._take_frame(orjson.loads(text))

    def _offer(self, publication: Publication) -> None:
        if publication["topic"] == publishing.topic_of(self._connection):
            self._is_stale = True
            self._changed.set()
        else:
            self._take_frame(orjson.loads(publication["text"]))

    def _fail(self) -> None:
        self.is_ended = True
        self._changed.set()

    def _take_frame(self, frame: Mapping[str, Any]) -> None:
        topic = frame["topic"]
        name = next((each for each in self._followed if topic_of(each) == topic), None)
        if name is None:
            return
        if frame["type"] == "ticks":
            for row in frame["data"]:
                self._price(name, Price(*row), is_live=True)
        else:  # a gap or a reset
            self._tell({**frame, "topic": None, "ticker": name})

    def _hear(self, name: str, ticker: Followed) -> None:
        ticker.heard_at = time.monotonic()
        if ticker.is_silent:
            ticker.is_silent = False
            self._tell({"type": "status", "ticker": name, "state": "live", "reason": ""})

    def _tell_silent(self) -> None:
        """Name the tickers for which no price came in SILENT_FETCHES fetches."""
        for name, ticker in self._followed.items():
            if may_fall_silent(ticker) and silent_at(ticker) <= time.monotonic():
                ticker.is_silent = True
                reason = f"no price for {silent_s():g} s: the gateway or the venue is unavailable"
                self._tell({"type": "status", "ticker": name, "state": "stale", "reason": reason})

    def _price(self, name: str, price: Price, *, is_live: bool = False) -> None:
        """Send a price, or keep it until the interval is over; drop one that was sent."""
        ticker = self._followed[name]
        if is_live:
            self._hear(name, ticker)
        if ticker.sent is not None:
            if price.seq <= ticker.sent.seq:
                return
            if price.at - ticker.sent.at < ticker.interval_s * 1_000 - LATE_MS:
                ticker.skipped = price
                self._changed.set()  # wait no longer than until it is due
                return
        self._tell_price(name, ticker, price)

    def _tell_price(self, name: str, ticker: Followed, price: Price) -> None:
        ticker.sent, ticker.skipped = price, None
        self._since[name] = price.seq
        self._tell({"type": "price", "ticker": name, **price._asdict()})

    def _send_due(self) -> None:
        """Send skipped prices whose interval is over."""
        now_ms = time.time() * 1_000
        for name, ticker in self._followed.items():
            if ticker.skipped is not None and due_ms(ticker) <= now_ms:
                self._tell_price(name, ticker, ticker.skipped)

    def _wait_s(self) -> float:
        """Return for how long nothing is due."""
        due = [due_ms(each) for each in self._followed.values() if each.skipped is not None]
        waits = [HEARTBEAT_S, *(each / 1_000 - time.time() for each in due)]
        waits += [
            silent_at(each) - time.monotonic()
            for each in self._followed.values()
            if may_fall_silent(each)
        ]
        if self._login_ends_at is not None:
            waits.append(self._login_ends_at - time.monotonic())
        return max(0.0, min(waits))

    def _tell(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        self.is_ended |= len(self._events) > MOST_WAITING
        self._changed.set()

    @property
    def place(self) -> str:
        """Return the last seq of each ticker, with which a client resumes."""
        return ",".join(f"{name}:{seq}" for name, seq in sorted(self._since.items()))


def due_ms(ticker: Followed) -> float:
    """Return when the skipped price of a ticker is due."""
    sent = ticker.sent
    return 0.0 if sent is None else sent.at + ticker.interval_s * 1_000


def may_fall_silent(ticker: Followed) -> bool:
    """Return whether the user expects prices, and was not told that none come."""
    return ticker.has_prices and not ticker.reason and not ticker.is_silent


def silent_at(ticker: Followed) -> float:
    return ticker.heard_at + silent_s()


def silent_s() -> float:
    """Return after how many seconds without a price something is wrong."""
    return max(SHORTEST_SILENCE_S, SILENT_FETCHES * float(settings.DERIBIT_FETCH_S))


def topic_of(name: str) -> str:
    return f"quotes.{symbol_of(name)}"


def valid(connection: int) -> "QuerySet[Connection]":
    """Return the connection, unless it was closed or has expired."""
    return Connection.objects.filter(pk=connection, expires_at__gt=timezone.now())


def has_ended(connection: int) -> bool:
    return not valid(connection).exists()


def read_wanted(connection: int) -> Wanted | None:
    """Return state and subscriptions of a connection; None if it has ended."""
    found = valid(connection).first()
    if found is None:
        return None
    rows = PriceSubscription.objects.filter(person=found.person_id).select_related("ticker")
    tickers = {
        row.ticker.name: Followed(
            row.interval_s,
            row.ticker.instrument_id is not None,
            row.ticker.error,
            row.ticker.is_unknown,
        )
        for row in (rows if found.person_id is not None else ())
    }
    ends_at = None
    if found.state == ConnectionState.PENDING:
        age_s = (timezone.now() - found.opened_at).total_seconds()
        ends_at = time.monotonic() + LOGIN_LASTS_S - age_s
    return Wanted(found.state, found.reason, tickers, ends_at)
