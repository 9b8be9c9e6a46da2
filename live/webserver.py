"""Uvicorn in this process: the web server of `runsim --serve`."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import uvicorn
from channels.routing import get_default_application

from live import uvicornends

PING_S = 10.0
CONNECTIONS_WAITING = 2048
"""Backlog of connections not yet accepted: a burst must fit."""


class Tls(NamedTuple):
    """The PEM files of a certificate and its key."""

    certificate: str
    key: str


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on host:port; raise OSError.

    Its connections send at once. Asyncio sees to that only for sockets that it makes itself;
    otherwise a body waits for the acknowledgement of its headers, which clients delay by 40 ms.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server(
        (host.strip("[]"), port), family=family, backlog=CONNECTIONS_WAITING
    )
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


class Uvicorn(uvicorn.Server):
    """A server that leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """Serves an ASGI application in the main thread until stopped or signalled."""

    def __init__(
        self, host: str, port: int, application: Any = None, tls: Tls | None = None
    ) -> None:
        """Listen on host:port; raise OSError where that fails, also for unreadable PEM files.

        Without an `application`, serve that of the site.
        """
        self.loop = asyncio.new_event_loop()
        self._socket = listening(host, port)
        config = uvicorn.Config(
            application or get_default_application(),
            ssl_certfile=tls and tls.certificate,
            ssl_keyfile=tls and tls.key,
            ws="websockets-sansio",
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_per_message_deflate=False,
            ws_max_size=1_048_576,
            http="httptools",
            lifespan="off",
            proxy_headers=False,
            log_config=None,
            log_level="warning",
            access_log=False,
            backlog=CONNECTIONS_WAITING,
            server_header=False,
            headers=[("Server", "PyTrade")],
        )
        config.load()
        uvicornends.patch()
        self._server = Uvicorn(config)

    @property
    def address(self) -> tuple[str, int]:
        host, port, *_ = self._socket.getsockname()
        return str(host), int(port)

    def run(self, when_ready: Callable[[], None]) -> None:
        asyncio.set_event_loop(self.loop)
        for number in (signal.SIGINT, signal.SIGTERM):
            self.loop.add_signal_handler(number, self._end)
        self.loop.call_soon(when_ready)
        self.loop.run_until_complete(self._server.serve(sockets=[self._socket]))

    def close(self) -> None:
        """Cancel the remaining tasks of the loop; call it last."""
        waiting = asyncio.all_tasks(self.loop)
        for task in waiting:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def stop(self) -> None:
        """Stop serving (any thread)."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self._server.should_exit = True
