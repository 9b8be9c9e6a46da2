"""The application, and at /census what its process holds.

    uvicorn rig.census:application
    daphne rig.census:application

For benchmarks and tests that want to know what sockets leave behind.
"""

import asyncio
import gc
import json
import time
from typing import Any, Literal, TypedDict
from urllib.request import urlopen

import psutil


class Census(TypedDict):
    """What a process holds.

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
"""What clients leave behind when they are forgotten."""
GONE_S = 60.0
MANY = 1_000_000


def take(port: int) -> Census:
    """Ask a server on this machine."""
    census: Census = json.load(urlopen(f"http://127.0.0.1:{port}/census", timeout=60))
    return census


def deserted(port: int) -> Census:
    """Return the census when nobody is connected any more, at the latest after GONE_S."""
    nobody: Any = {
        **dict.fromkeys(("consumers", "feeds", "groups", "sockets", "topics", "connections"), 0),
        "tasks": MANY,
    }
    return settled(port, nobody)


def settled(port: int, before: Census) -> Census:
    """Return the census as soon as everyone is gone, at the latest after GONE_S."""
    until = time.monotonic() + GONE_S
    while True:
        now = take(port)
        if left_behind(before, now) == {} or time.monotonic() > until:
            return now
        time.sleep(0.1)


def left_behind(before: Census, after: Census) -> dict[str, float]:
    """Return what there is more of than before, memory aside."""
    return {name: after[name] - before[name] for name in COUNTED if after[name] > before[name]}


def census() -> Census:
    from channels.layers import get_channel_layer
    from prometheus_client import REGISTRY

    from live.consumers import StreamConsumer
    from live.feed import Feed
    from live.limits import connections
    from live.tape import Tape

    gc.collect()
    objects = gc.get_objects()
    feeds = [each for each in objects if isinstance(each, Feed)]
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
