"""Prices to one user as server-sent events."""

import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.views.decorators.http import require_GET

from live import closing
from live.reads import reader
from market.integers import parse_integer
from market.keys import LARGEST_SEQ
from market.quoting import quoted
from venues.gateway import metrics
from venues.gateway.connections import find
from venues.gateway.models import Connection
from venues.gateway.pricefeed import PriceFeed
from web.problems import database_unavailable, problem

logger = structlog.get_logger(__name__)

TICKER: Final = re.compile(r"[a-z0-9]+_[a-z0-9]+")


@require_GET
def stream(request: HttpRequest, token: str) -> HttpResponse | StreamingHttpResponse:
    """Stream what the connection's person follows, from Last-Event-ID on.

    Not an async view: below synchronous middleware, a client that disconnects can deadlock one.
    """
    try:
        since = read_place(request.headers.get("Last-Event-ID") or request.GET.get("since", ""))
        connection = reader(find, token)
    except ValueError as error:
        return problem(HTTPStatus.BAD_REQUEST, str(error))
    except DatabaseError as error:
        logger.warning("stream refused", error=str(error).strip())
        return database_unavailable()
    if connection is None:
        return problem(HTTPStatus.NOT_FOUND, "there is no such connection: connect again")
    return streamed(connection, since)


def streamed(
    connection: Connection, since: dict[str, int], first: dict[str, Any] | None = None
) -> StreamingHttpResponse:
    """Answer with the events of a connection, from a place in them on, after the event `first`."""
    sent = events(connection.pk, since, first)
    response = StreamingHttpResponse(sent, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # otherwise nginx buffers the stream
    return response


def since_of(query: bytes) -> dict[str, int]:
    """Return the place in the query of a WebSocket; raise ValueError."""
    return read_place(QueryDict(query).get("since", "") or "")


def read_place(text: str) -> dict[str, int]:
    """Return ticker -> seq of an event's id, e.g. btc_usd:17,eth_usd:5; raise ValueError."""
    place: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        name, _, seq = part.rpartition(":")
        if not TICKER.fullmatch(name):  # ids repeat it: no line breaks
            raise ValueError(f"{quoted(part)} is not a place in a stream: use TICKER:SEQ")
        place[name] = parse_integer(seq, 0, LARGEST_SEQ)
    return place


async def events(
    connection: int, since: dict[str, int], first: dict[str, Any] | None = None
) -> AsyncIterator[str]:
    """Yield events until the client disconnects or the connection is closed."""
    feed = PriceFeed(connection, since)
    metrics.STREAMS.inc()
    try:
        if first is not None:
            yield f"data: {orjson.dumps(first).decode()}\n\n"
        await feed.open()
        while not feed.is_ended:
            taken = await feed.take()
            data = "".join(f"data: {orjson.dumps(each).decode()}\n\n" for each in taken)
            yield f"id: {feed.place}\n{data}" if data else ": keep-alive\n\n"
    except DatabaseError as error:
        closing.note("database", error=str(error).strip())
    finally:
        metrics.STREAMS.dec()
        await feed.close()
