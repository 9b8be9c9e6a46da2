"""A door as one ASGI application: HTTP and WebSockets of a venue, under any path prefix."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

App = Callable[[Any, Any, Any], Awaitable[None]]
PATH: Final = "venue_path"
"""Key of the scope under which applications find the path without its prefix."""


class Door:
    """Routes by protocol and path; `root` is where the paths of the venue begin, e.g. /v5/.

    `sockets` are WebSocket applications by path. `http` answers every request, also those for
    paths that do not exist.
    """

    def __init__(self, *, root: str, http: App, sockets: Mapping[str, App]) -> None:
        self._root = root
        self._http = http
        self._sockets = sockets

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        own = {**scope, PATH: self.path(scope["path"])}
        if scope["type"] == "http":
            await self._http(own, receive, send)
        elif scope["type"] == "websocket":
            await self._sockets.get(own[PATH], reject)(own, receive, send)

    def path(self, path: str) -> str:
        """Return a path from the root on; all of it where the root is not in it."""
        before, root, after = path.partition(self._root)
        return root + after if root else before


async def reject(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a WebSocket handshake: the client gets HTTP 403."""
    await receive()
    await send({"type": "websocket.close"})


class Mounted:
    """Serves doors below their prefixes, e.g. /bybit/, and a site everywhere else."""

    def __init__(self, doors: Mapping[str, App], site: App) -> None:
        self.doors = doors
        self.site = site

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for prefix, door in self.doors.items():
            if scope["path"].startswith(prefix):
                await door(scope, receive, send)
                return
        await self.site(scope, receive, send)
