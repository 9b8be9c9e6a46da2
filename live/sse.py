"""The stream as server-sent events, for clients that cannot open a WebSocket.

`id:` holds the last seq of each topic, so that a browser that reconnects (Last-Event-ID) resumes
where it stopped.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from live import closing, metrics
from live.clientfeed import ClientFeed
from live.cutting import has_rows
from live.frames import Publication
from live.hub import current_hub
from live.limits import MOST_TOPICS
from live.protocol import ALIAS, LARGEST_SEQ, ProtocolError, by_topic
from live.reads import reader
from live.symbols import all_symbols, expand
from market.integers import parse_integer
from market.quoting import quoted
from web.problems import database_unavailable, problem

logger = structlog.get_logger(__name__)

HEARTBEAT_S = 15.0
"""A comment is sent after this much silence, so that proxies do not time out the stream."""
AT_ONCE = 100
"""Most frames written to a client together."""


class Outbox:
    """The queue of frames for one client, bounded in bytes.

    Live frames never wait: when they do not fit, the stream ends and the client resumes.
    """

    def __init__(self, most_bytes: int) -> None:
        self.ended = ""
        """The reason, once the stream has ended."""
        self._most_bytes = most_bytes
        self._bytes = 0
        self._frames: deque[str] = deque()
        self._error: DatabaseError | None = None
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._feed = ClientFeed(current_hub(), self.send, self.offer, self._fail)

    async def send(self, text: str) -> None:
        """Add a frame once the client has taken those before it."""
        while self._frames:
            self._taken.clear()
            await self._taken.wait()
        self._add(text)

    def offer(self, publication: Publication) -> None:
        if self._bytes + len(publication["text"]) > self._most_bytes:
            self.ended = self.ended or "slow"
        if not self.ended:
            self._add(publication["text"])

    def _add(self, text: str) -> None:
        self._frames.append(text)
        self._buffer(len(text))
        self._changed.set()

    def _fail(self) -> None:
        self.ended = "error"
        self._changed.set()

    def _buffer(self, change: int) -> None:
        self._bytes += change
        metrics.BUFFERED_BYTES.inc(change)

    def follow(self, topics: list[str], since: dict[str, int]) -> None:
        self._following = asyncio.create_task(self._follow(topics, since))

    async def _follow(self, topics: list[str], since: dict[str, int]) -> None:
        try:
            await self._feed.follow(topics, since)
        except DatabaseError as error:
            self._error = error
            self._changed.set()

    async def take(self) -> list[str]:
        """Return the next frames, none after HEARTBEAT_S of silence.

        Raises DatabaseError when what was missed could not be read.
        """
        if not self._frames and self._error is None:
            self._changed.clear()
            try:
                async with asyncio.timeout(HEARTBEAT_S):  # wait_for may swallow a cancellation
                    await self._changed.wait()
            except TimeoutError:
                return []
        if self._error is not None:
            raise self._error
        taken = [self._frames.popleft() for _ in range(min(AT_ONCE, len(self._frames)))]
        self._buffer(-sum(map(len, taken)))
        self._taken.set()
        return taken

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
        self._frames.clear()
        self._buffer(-self._bytes)
        await self._feed.close()


@require_GET
def stream(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Stream the frames of `topics` (comma-separated) from Last-Event-ID or `since` on.

    Not an async view: below synchronous middleware, a client that disconnects can deadlock one.
    """
    names = [name for name in request.GET.get("topics", "").split(",") if name]
    last_id = request.headers.get("Last-Event-ID") or request.GET.get("since", "")
    try:
        if not names:
            raise ProtocolError(
                "bad_args", "topics is empty; name at least one, e.g. ?topics=quotes.ES"
            )
        since = read_id(last_id)
        topics = expand(names, reader(all_symbols))
        if len(topics) > MOST_TOPICS:
            raise ProtocolError("bad_args", f"{len(topics)} topics; {MOST_TOPICS} is the most")
    except ProtocolError as error:
        return problem(HTTPStatus.BAD_REQUEST, error.detail)
    except DatabaseError as error:
        logger.warning("stream refused", error=str(error).strip())
        return database_unavailable()
    response = StreamingHttpResponse(events(topics, since), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # otherwise nginx buffers the stream
    return response


def read_id(text: str) -> dict[str, int]:
    """Return topic -> seq of an event's id, e.g. "quotes.ES:1234"; raise ProtocolError.

    A bare symbol stands for its quotes.
    """
    since: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        topic, seq = read_position(part)
        since[topic] = seq
    return by_topic(since)


def read_position(part: str) -> tuple[str, int]:
    name, _, seq = part.rpartition(":")
    with suppress(ValueError):
        if name:
            return name, parse_integer(seq, 0, LARGEST_SEQ)
    raise ProtocolError(
        "bad_since", f"{quoted(part)} is not a position in a stream: use TOPIC:SEQ,TOPIC:SEQ"
    )


def write_id(sent: Mapping[str, int]) -> str:
    """Return `sent` as an event's id, quotes by their bare symbols."""
    return ",".join(f"{topic.removeprefix(f'{ALIAS}.')}:{seq}" for topic, seq in sent.items())


async def events(topics: list[str], since: dict[str, int]) -> AsyncIterator[str]:
    """Yield events until the client disconnects or is too slow; it then resumes."""
    outbox = Outbox(settings.STREAM_BACKLOG_BYTES)
    place = dict(since)
    outbox.follow(topics, since)
    metrics.EVENT_STREAMS.inc()
    try:
        while not outbox.ended:
            texts = await outbox.take()
            yield "".join([event(text, place) for text in texts]) or ": keep-alive\n\n"
        closing.note("events " + outbox.ended)
    except DatabaseError as error:
        closing.note("database", error=str(error).strip())
    finally:
        metrics.EVENT_STREAMS.dec()
        await outbox.close()


def event(text: str, place: dict[str, int]) -> str:
    """Return a frame as an event; its id is the `place` after it."""
    place |= position_of(text)
    return f"id: {write_id(place)}\ndata: {text}\n\n"


def position_of(text: str) -> dict[str, int]:
    """Return the topic and the last seq of a frame of rows, a gap or a reset."""
    frame: dict[str, Any] = orjson.loads(text)
    if frame["type"] == "gap":
        return {frame["topic"]: frame["to_seq"]}
    if frame["type"] == "reset":
        return {frame["topic"]: frame["last_seq"]}
    return {frame["topic"]: frame["data"][-1][0]} if has_rows(frame) else {}
