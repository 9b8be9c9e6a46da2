"""The stream as server-sent events, for clients that cannot have a WebSocket.

`id:` holds the last seq of each instrument, so that a browser that reconnects by itself
(Last-Event-ID) goes on where it was.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from live import metrics
from live.catchup import resolve
from live.feed import Feed
from live.frames import Publication
from live.hub import current_hub
from live.limits import MOST_TOPICS
from live.protocol import LARGEST_SEQ, ProtocolError
from live.reads import reader
from market.integers import parse_integer
from market.quoting import quoted
from web.problems import database_unavailable, problem

logger = structlog.get_logger(__name__)

MOST_WAITING = 200
"""Frames that may wait for a slow reader; then the stream ends, and the reader resumes it."""
HEARTBEAT_S = 15.0
"""A comment goes out after so much silence, so that nobody between takes the stream for dead."""


class Outbox:
    """Frames on their way to one reader. Nobody but the reader's own catching up waits for it."""

    def __init__(self) -> None:
        self.overflowed = False
        self._waiting: asyncio.Queue[str | DatabaseError] = asyncio.Queue(MOST_WAITING)
        self._following: asyncio.Task[None] | None = None
        self._feed = Feed(current_hub(), self.send, self.offer)

    async def send(self, text: str) -> None:
        await self._waiting.put(text)

    def offer(self, publication: Publication) -> None:
        if self._waiting.full():
            self.overflowed = True
        if not self.overflowed:
            self._waiting.put_nowait(publication["text"])

    def follow(self, topics: list[str], since: dict[str, int]) -> None:
        self._following = asyncio.create_task(self._follow(topics, since))

    async def _follow(self, topics: list[str], since: dict[str, int]) -> None:
        try:
            await self._feed.follow(topics, since)
        except DatabaseError as error:
            await self._waiting.put(error)

    async def next(self) -> str | None:
        """Return the next frame, None after HEARTBEAT_S of silence.

        Raises DatabaseError when what was missed could not be read.
        """
        try:
            async with asyncio.timeout(HEARTBEAT_S):  # wait_for of 3.11 may swallow a cancellation
                text = await self._waiting.get()
        except TimeoutError:
            return None
        if isinstance(text, DatabaseError):
            raise text
        return text

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
        await self._feed.close()


@require_GET
def stream(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Answer the frames of `topics`, separated by commas, from Last-Event-ID or `since` on.

    A plain function: a reader that goes while an async view runs below middleware that is not
    async can leave both waiting for each other.
    """
    names = [name for name in request.GET.get("topics", "").split(",") if name]
    last_id = request.headers.get("Last-Event-ID") or request.GET.get("since", "")
    try:
        if not names:
            raise ProtocolError("bad_args", "topics is empty; name some, e.g. ?topics=quotes.ES")
        since = read_id(last_id)
        topics = reader(resolve, names)
        if len(topics) > MOST_TOPICS:
            raise ProtocolError("bad_args", f"{len(topics)} topics; {MOST_TOPICS} is the most")
    except ProtocolError as error:
        return problem(HTTPStatus.BAD_REQUEST, error.detail)
    except DatabaseError as error:
        logger.warning("stream refused", error=str(error).strip())
        return database_unavailable()
    response = StreamingHttpResponse(events(topics, since), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would collect the stream
    return response


def read_id(text: str) -> dict[str, int]:
    """Return symbol -> seq of an event's id, e.g. "ES:1234,NQ:99"; raise ProtocolError."""
    since: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        symbol, seq = read_position(part)
        since[symbol] = seq
    return since


def read_position(part: str) -> tuple[str, int]:
    symbol, _, seq = part.rpartition(":")
    with suppress(ValueError):
        if symbol:
            return symbol, parse_integer(seq, 0, LARGEST_SEQ)
    raise ProtocolError(
        "bad_since", f"{quoted(part)} is not a position in a stream: use SYMBOL:SEQ,SYMBOL:SEQ"
    )


def write_id(sent_seq: dict[str, int]) -> str:
    return ",".join(f"{topic.partition('.')[2]}:{seq}" for topic, seq in sent_seq.items())


async def events(topics: list[str], since: dict[str, int]) -> AsyncIterator[str]:
    """Yield events until the client goes, or is too slow: it then resumes where it was."""
    outbox = Outbox()
    place = {f"quotes.{symbol}": seq for symbol, seq in since.items()}
    outbox.follow(topics, since)
    metrics.EVENT_STREAMS.inc()
    try:
        while not outbox.overflowed:
            text = await outbox.next()
            if text is None:
                yield ": still here\n\n"
            else:
                place |= told(text)
                yield f"id: {write_id(place)}\ndata: {text}\n\n"
    except DatabaseError as error:
        logger.warning("stream ended", error=str(error))
    finally:
        metrics.EVENT_STREAMS.dec()
        await outbox.close()


def told(text: str) -> dict[str, int]:
    """Return the topic and the last seq that a frame tells of, if it tells of ticks."""
    frame: dict[str, Any] = orjson.loads(text)
    if frame["type"] == "ticks":
        return {frame["topic"]: frame["data"][-1][0]}
    if frame["type"] == "gap":
        return {frame["topic"]: frame["to_seq"]}
    return {}
