"""The PyTrade application with a /census endpoint that counts live objects in the process.

    uvicorn rig.census:application
    daphne rig.census:application

Benchmarks and tests use it to detect leaks after clients disconnect.
"""

import asyncio
import gc
import json
import time
from typing import Any, Literal, TypedDict
from urllib.request import urlopen

import psutil


class Census(TypedDict):
    """Live objects in a server process.

    `consumers`: sockets whose objects are still there; `following`: subscriptions to streams with
    seqs that have caught up, over all clients.
    """

    tasks: int
    consumers: int
    feeds: int
    following: int
    groups: int
    sockets: float
    topics: float
    connections: int
    memory: int


COUNTED: tuple[
    Literal["tasks", "consumers", "feeds", "groups", "sockets", "topics", "connections"], ...
] = ("tasks", "consumers", "feeds", "groups", "sockets", "topics", "connections")
"""Fields that must return to their baseline after clients disconnect."""
GONE_S = 60.0
MANY = 1_000_000


def take(port: int) -> Census:
    """Fetch the census of a server on this machine."""
    census: Census = json.load(urlopen(f"http://127.0.0.1:{port}/census", timeout=60))
    return census


def deserted(port: int) -> Census:
    """Return the census once no client is connected, or after GONE_S at the latest."""
    nobody: Any = {
        **dict.fromkeys(("consumers", "feeds", "groups", "sockets", "topics", "connections"), 0),
        "tasks": MANY,
    }
    return settled(port, nobody)


def settled(port: int, before: Census) -> Census:
    """Return the census once nothing exceeds `before`, or after GONE_S at the latest."""
    until = time.monotonic() + GONE_S
    while True:
        now = take(port)
        if left_behind(before, now) == {} or time.monotonic() > until:
            return now
        time.sleep(0.1)


def left_behind(before: Census, after: Census) -> dict[str, float]:
    """Return the growth of each counter that grew; memory is excluded."""
    return {name: after[name] - before[name] for name in COUNTED if after[name] > before[name]}


def census() -> Census:
    from channels.layers import get_channel_layer
    from prometheus_client import REGISTRY

    from live.clientfeed import ClientFeed
    from live.consumers import StreamConsumer
    from live.limits import connections
    from live.tape import Tape

    gc.collect()
    objects = gc.get_objects()
    feeds = [each for each in objects if isinstance(each, ClientFeed)]
    return {
        "tasks": len(asyncio.all_tasks()),
        "consumers": sum(isinstance(each, StreamConsumer) for each in objects),
        "feeds": len(feeds),
        "following": sum(len(each.subscribers) for each in objects if isinstance(each, Tape)),
        "groups": len(get_channel_layer().groups),
        "sockets": REGISTRY.get_sample_value("pytrade_sockets") or 0.0,
        "topics": REGISTRY.get_sample_value("pytrade_topics") or 0.0,
        "connections": connections.total(),
        "memory": psutil.Process().memory_info().rss,
    }


async def application(scope: Any, receive: Any, send: Any) -> None:
    from pytrade.asgi import application as pytrade

    if scope["type"] != "http" or scope["path"] != "/census":
        await pytrade(scope, receive, send)
        return
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(census()).encode()})
