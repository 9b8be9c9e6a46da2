"""The door of Bybit v5 as one ASGI application."""

from collections.abc import Mapping
from typing import Final

from venues.bybit.rest.answering import Rest
from venues.doors.application import App, Door
from venues.doors.http import HttpDoor

ROOT: Final = "/v5/"
SOCKETS: Final[Mapping[str, App]] = {}
"""WebSocket applications by path, e.g. /v5/private."""


def door() -> Door:
    return Door(root=ROOT, http=HttpDoor(Rest()), sockets=SOCKETS)
