"""The WebSockets of the door, by path."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from venues.bybit.sockets.streams import PrivateSocket, PublicSocket, StatusSocket
from venues.bybit.sockets.topicnames import CATEGORIES
from venues.bybit.sockets.trade import TradeSocket
from venues.doors.application import App

SOCKETS: Final[Mapping[str, App]] = {
    **{f"/v5/public/{each}": partial(PublicSocket.of_category, each) for each in CATEGORIES},
    "/v5/public/misc/status": StatusSocket.serve,
    "/v5/private": PrivateSocket.serve,
    "/v5/trade": TradeSocket.serve,
}
