"""How many frames a second one process sends to 200 sockets on one topic.

    python -m benchmarks.fanout

The hub and the usual way of Channels (a group member per socket, send_json), each on uvicorn and on
daphne, and the broadcast of the `websockets` library, in one run. The rate climbs until p99 of the
latency from publishing to the last client passes 250 ms; the best rate before is the figure.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import time
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import broadcast, serve

SOCKETS = 200
P99_S = 0.25
STEP_S = 1.0
RATES = (5, 10, 20, 40, 70, 100, 140, 200, 260, 320, 400)
"""Frames a second and socket, tried in this order."""
ROW = [[123456, 1767225600000, 5012.25]]


def frame(at: float) -> str:
    return json.dumps({"topic": "quotes.ES", "type": "ticks", "at": at, "data": ROW})


async def publish_at(rate: float, publish: Any) -> None:
    """Publish for STEP_S at `rate` frames a second, each stamped with the time it was due.

    A server that is too busy to publish in time is late too.
    """
    start, wall = time.monotonic(), time.time()
    for n in range(int(rate * STEP_S)):
        await asyncio.sleep(max(0.0, start + n / rate - time.monotonic()))
        await publish(wall + n / rate)


def hub_application() -> Any:
    """Answer any message "RATE" of the first socket by publishing through layer and hub."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "pytrade.settings", "DEBUG": "on"}
    import django

    django.setup()
    from channels.generic.websocket import AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer
    from channels.layers import get_channel_layer

    from quotes.hub import current_hub
    from quotes.outlet import Outlet

    class Hubbed(AsyncWebsocketConsumer):  # type: ignore[misc]
        channel_layer_alias = ""

        async def connect(self) -> None:
            self.outlet = Outlet(self.base_send, 2**26, self.close)
            await current_hub().subscribe("quotes.ES", self)
            await self.accept()

        def deliver(self, publication: Any) -> None:
            self.outlet.offer(publication)

        async def disconnect(self, code: int) -> None:
            self.outlet.close()
            await current_hub().unsubscribe("quotes.ES", self)

        async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
            async def publish(at: float) -> None:
                item = {"type": "frame", "topic": "quotes.ES", "text": frame(at)}
                item |= {"first_seq": 0, "last_seq": 0, "committed_at": at}
                await get_channel_layer().group_send("quotes.ES", item)

            self.task = asyncio.create_task(publish_at(float(text_data), publish))

    class Naive(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
        async def connect(self) -> None:
            await self.channel_layer.group_add("naive", self.channel_name)
            await self.accept()

        async def disconnect(self, code: int) -> None:
            await self.channel_layer.group_discard("naive", self.channel_name)

        async def receive_json(self, content: Any, **kwargs: Any) -> None:
            async def publish(at: float) -> None:
                await self.channel_layer.group_send(
                    "naive", {"type": "tick", "frame": json.loads(frame(at))}
                )

            self.task = asyncio.create_task(publish_at(float(content), publish))

        async def tick(self, event: Any) -> None:
            await self.send_json(event["frame"])

    chosen = {"hub": Hubbed, "naive": Naive}[os.environ["FANOUT"]].as_asgi()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await chosen(scope, receive, send)

    return application


async def serve_library(port: int) -> None:
    async def handler(connection: ClientConnection) -> None:
        async def publish(at: float) -> None:
            broadcast(server.connections, frame(at))

        async for text in connection:
            asyncio.get_running_loop().create_task(publish_at(float(text), publish))

    async with serve(handler, "127.0.0.1", port, compression=None) as server:
        await server.serve_forever()


def start(name: str, server: str, port: int) -> subprocess.Popen[bytes]:
    here = [sys.executable, "-m"]
    command = {
        "uvicorn": [*here, "uvicorn", "--factory", "--ws", "websockets-sansio", "--port"],
        "daphne": [*here, "daphne", "-p"],
        "websockets": [*here, "benchmarks.fanout", "--serve"],
    }[server]
    tail = {"uvicorn": ["benchmarks.fanout:hub_application", "--log-level", "error"]}
    tail["daphne"] = ["benchmarks.fanout:application"]
    env = os.environ | {"FANOUT": name, "DJANGO_SETTINGS_MODULE": "pytrade.settings"}
    arguments = [*command, str(port), *tail.get(server, [])]
    return subprocess.Popen(
        arguments, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


async def open_sockets(port: int) -> list[ClientConnection]:
    for _ in range(200):
        try:
            await (await connect(f"ws://127.0.0.1:{port}/", compression=None)).close()
            break
        except OSError:
            await asyncio.sleep(0.1)
    return [
        await connect(f"ws://127.0.0.1:{port}/", compression=None, max_queue=None)
        for _ in range(SOCKETS)
    ]


async def measure(port: int) -> float:
    """Return the most frames a second that arrive at p99 < P99_S."""
    sockets = await open_sockets(port)
    best = 0.0
    for rate in (RATES[0], *RATES):  # the first warms up
        expected = int(rate * STEP_S)
        latencies: list[float] = []

        async def read(reader: ClientConnection, expected: int, into: list[float]) -> None:
            for _ in range(expected):
                text = await reader.recv()
                into.append(time.time() - json.loads(text)["at"])

        await sockets[0].send(str(rate))
        try:
            async with asyncio.timeout(STEP_S * 2):
                await asyncio.gather(*(read(s, expected, latencies) for s in sockets))
        except TimeoutError:
            break
        late = sorted(latencies)[int(len(latencies) * 0.99)] > P99_S
        if late and rate > RATES[0]:
            break
        best = 0.0 if late else rate * SOCKETS
    return best


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    from benchmarks.harness import report

    figures: dict[str, object] = {}
    ways = [("naive", "uvicorn"), ("naive", "daphne"), ("hub", "daphne"), ("hub", "uvicorn")]
    for name, server in [*ways, ("library", "websockets")]:
        port = free_port()
        process = start(name, server, port)
        try:
            figures[f"{name} on {server}, frames/s"] = asyncio.run(measure(port))
        finally:
            process.kill()
            process.wait()
    naive = float(str(figures["naive on uvicorn, frames/s"]))
    for server in ("uvicorn", "daphne"):
        hub = float(str(figures[f"hub on {server}, frames/s"]))
        figures[f"hub on {server} / naive on uvicorn"] = round(hub / naive, 1) if naive else None
    figures["processors"] = multiprocessing.cpu_count()
    report("fanout", figures)


if os.environ.get("FANOUT") in ("hub", "naive"):
    application = hub_application()  # daphne takes no factory

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=int, help="only serve the websockets library's broadcast")
    if (port := parser.parse_args().serve) is not None:
        asyncio.run(serve_library(port))
    else:
        main()
