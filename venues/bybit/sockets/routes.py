"""The WebSockets of the door, by path."""

from collections.abc import Mapping
from functools import partial

from venues.bybit.categories import Category
from venues.bybit.rest.admission import Gate
from venues.bybit.sockets.streams import PrivateSocket, PublicSocket, StatusSocket
from venues.bybit.sockets.trade import TradeSocket
from venues.doors.application import App
from venues.doors.sockets import application


def sockets(gate: Gate) -> Mapping[str, App]:
    """Return the applications of the WebSockets; `gate` counts requests of accounts."""
    return {
        **{
            f"/v5/public/{each.value}": application(partial(PublicSocket, category=each.value))
            for each in Category
        },
        "/v5/public/misc/status": application(StatusSocket),
        "/v5/private": application(PrivateSocket),
        "/v5/trade": application(partial(TradeSocket, gate=gate)),
    }
