"""What `benchmarks.fanout` races.

    daphne benchmarks.fanout_servers:application          the hub, and naive Channels at /naive
    python -m benchmarks.fanout_servers redis             publishes to Redis on commands of stdin
    python -m benchmarks.fanout_servers websockets PORT   the library's broadcast
    python -m benchmarks.fanout_servers threading PORT    Flask-SocketIO; or gevent

Each publishes to all of its sockets on the command "RATE SECONDS".
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import django
import orjson

from live.frames import RecordsFrame, publication

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")

TOPIC = "regimes.ES"
"""A topic of which nothing is stored: these publications have no seqs."""
Publish = Callable[[RecordsFrame], Awaitable[None]]
_seqs = count(1)


def frame(at: float, ticks: int = 1) -> RecordsFrame:
    """Return the next frame as the recorder makes it, its times in microseconds."""
    rows: list[tuple[Any, ...]] = [(next(_seqs), round(at * 1e6), 5012.25) for _ in range(ticks)]
    return {"topic": TOPIC, "type": "ticks", "data": rows}


async def publish_at(order: str, publish: Publish) -> None:
    """Publish as `order` says, "RATE SECONDS [TICKS]": frames a second, ticks of a frame.

    Each is stamped with the time it was due: a server too busy to publish in time is late too.
    """
    rate, seconds, *ticks = (float(word) for word in order.split())
    start, wall = time.monotonic(), time.time()
    for n in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, start + n / rate - time.monotonic()))
        await publish(frame(wall + n / rate, *map(int, ticks)))


async def publish_to_hub(tick: RecordsFrame) -> None:
    from channels.layers import get_channel_layer

    item = publication(tick) | {"committed_at": tick["data"][-1][1] / 1e6}
    await get_channel_layer().group_send(TOPIC, item)


async def publish_naively(tick: RecordsFrame) -> None:
    from channels.layers import get_channel_layer

    await get_channel_layer().group_send("naive", {"type": "tick", "frame": tick})


def make_application() -> Any:
    """Return PyTrade, the usual consumer of Channels beside it, and a door to start publishing."""
    django.setup()
    from channels.generic.websocket import AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer

    from rig.census import application as pytrade

    class Naive(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types
        async def connect(self) -> None:
            await self.channel_layer.group_add("naive", self.channel_name)
            await self.accept()

        async def disconnect(self, code: int) -> None:
            await self.channel_layer.group_discard("naive", self.channel_name)

        async def tick(self, event: Any) -> None:
            await self.send_json(event["frame"])

    class Publisher(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types
        async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
            naive = self.scope["path"] == "/publish/naive"
            publish = publish_naively if naive else publish_to_hub
            self.task = asyncio.create_task(publish_at(text_data, publish))

    doors = {"/naive": Naive.as_asgi()}
    doors |= dict.fromkeys(("/publish/naive", "/publish/hub"), Publisher.as_asgi())

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await doors.get(scope.get("path"), pytrade)(scope, receive, send)

    return application


async def publish_through_redis() -> None:
    django.setup()
    while order := await asyncio.to_thread(sys.stdin.readline):
        await publish_at(order, publish_to_hub)


async def serve_websockets(port: int) -> None:
    from websockets.asyncio.server import ServerConnection, broadcast, serve

    async def publish(tick: RecordsFrame) -> None:
        broadcast(watchers, orjson.dumps(tick).decode())

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        if connection.request.path == "/":
            watchers.add(connection)
            await connection.wait_closed()
            return
        async for order in connection:
            publishing.add(asyncio.create_task(publish_at(str(order), publish)))

    watchers: set[ServerConnection] = set()
    publishing: set[asyncio.Task[None]] = set()
    async with serve(handler, "127.0.0.1", port, compression=None, ping_interval=None) as server:
        await server.serve_forever()


def serve_flask(mode: str, port: int) -> None:
    """Serve Flask-SocketIO; its event "publish" makes it publish."""
    if mode == "gevent":
        from gevent import monkey

        monkey.patch_all()
    from flask import Flask
    from flask_socketio import SocketIO

    app = Flask(__name__)
    socketio = SocketIO(app, async_mode=mode, ping_interval=3600)

    @socketio.on("publish")  # type: ignore[untyped-decorator]  # flask_socketio is untyped
    def publish(order: str) -> None:
        socketio.start_background_task(publish_ticks, order)

    def publish_ticks(order: str) -> None:
        rate, seconds = (float(word) for word in order.split())
        start, wall = time.monotonic(), time.time()
        for n in range(round(rate * seconds)):
            socketio.sleep(max(0.0, start + n / rate - time.monotonic()))
            socketio.emit("ticks", frame(wall + n / rate))

    options = {"allow_unsafe_werkzeug": True} if mode == "threading" else {}
    socketio.run(app, port=port, **options)


if __name__ == "__main__":
    chosen, *rest = sys.argv[1:]
    if chosen == "redis":
        asyncio.run(publish_through_redis())
    elif chosen == "websockets":
        asyncio.run(serve_websockets(int(rest[0])))
    else:
        serve_flask(chosen, int(rest[0]))
else:
    application = make_application()
