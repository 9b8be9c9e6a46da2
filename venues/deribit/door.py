"""The door of Deribit v2 as one ASGI application."""

from functools import partial

from venues.deribit.methods.admission import Gate
from venues.deribit.rest import ROOT, Rest
from venues.deribit.sockets.socket import RpcSocket
from venues.doors.application import Door
from venues.doors.http import HttpDoor
from venues.doors.sockets import application


def door() -> Door:
    """Return the door: a WebSocket at /ws/api/v2, HTTP at /api/v2/METHOD."""
    gate = Gate()
    socket = application(partial(RpcSocket, gate=gate))
    sockets = {ROOT: socket, f"{ROOT}/": socket}
    return Door(root=ROOT, http=HttpDoor(Rest(gate)), sockets=sockets)
