"""The door of Bybit v5 as one ASGI application."""

from typing import Final

from venues.bybit.rest.admission import Gate
from venues.bybit.rest.answering import Rest
from venues.bybit.sockets.routes import sockets
from venues.doors.application import Door
from venues.doors.http import HttpDoor

ROOT: Final = "/v5/"


def door() -> Door:
    gate = Gate()
    return Door(root=ROOT, http=HttpDoor(Rest(gate)), sockets=sockets(gate))
