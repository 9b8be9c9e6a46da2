"""Publications of the gateway, on whichever event loop the channel layer needs.

With Redis every loop does. Without it, the channel layer is in the memory of the web process and
belongs to its loop, which the streams of prices name here.
"""

import asyncio
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from django.conf import settings

from instruments.models import Instrument
from live.broadcast import Broadcaster, LoopThread
from live.frames import status_publication
from venues.gateway.models import Connection

_web_loops: Final[list[asyncio.AbstractEventLoop]] = []


def name_loop() -> None:
    """Publish on the running loop from now on, if the channel layer is in memory."""
    _web_loops[:] = [asyncio.get_running_loop()]


def forget_loop() -> None:
    _web_loops.clear()


def broadcaster(instruments: Sequence[Instrument] = ()) -> Broadcaster | None:
    """Return what publishes prices; None in a process that nobody streams from."""
    if settings.REDIS_URL:
        return Broadcaster(instruments, own_loop())
    if _web_loops and not _web_loops[0].is_closed():
        return Broadcaster(instruments, _web_loops[0])
    return None


@cache
def own_loop() -> asyncio.AbstractEventLoop:
    thread = LoopThread()
    thread.start()
    return thread.loop


def topic_of(connection: int) -> str:
    """Return the topic on which changes of a connection are announced."""
    return f"following.{connection}"


def announce(connections: Iterable[int]) -> None:
    """Tell the streams of connections that login or subscriptions have changed."""
    publisher = broadcaster()
    if publisher is not None:
        publisher.publish_frames(
            [status_publication(topic_of(each), "live") for each in connections]
        )


def announce_person(person: int) -> None:
    announce(Connection.objects.filter(person=person).values_list("pk", flat=True))
