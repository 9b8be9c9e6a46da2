"""Daphne inside our own process: the web side of `runsim --serve`."""

import asyncio
from collections.abc import Callable

from channels.routing import get_default_application
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server, twisted_loop
from twisted.internet import reactor

PING_S = 10


class WebServer:
    """Serves the ASGI application in the main thread until stopped or signalled."""

    def __init__(self, host: str, port: int) -> None:
        self.loop: asyncio.AbstractEventLoop = twisted_loop
        self._endpoints = build_endpoint_description_strings(host=host, port=port)

    def run(self, when_ready: Callable[[], None]) -> None:
        Server(
            application=get_default_application(),
            endpoints=self._endpoints,
            ready_callable=when_ready,
            server_name="PyTrade",
            ping_interval=PING_S,  # who reads nothing does not answer, and is cut off
            ping_timeout=PING_S,
        ).run()

    def close(self) -> None:
        """End what still waits on the loop, after the server and everything that used it."""
        waiting = asyncio.all_tasks(self.loop)
        for task in waiting:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
        self.loop.close()

    def stop(self) -> None:
        """Stop serving (any thread)."""
        if reactor.running:
            reactor.callFromThread(reactor.stop)
