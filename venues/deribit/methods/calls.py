"""What the methods of the door get, and who may call them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from exchange.accounts.traders import Trader
from venues.deribit.credits import Limit
from venues.deribit.errors import Code, RpcError
from venues.deribit.params import Params


class Access(Enum):
    OPEN = "open"
    """For everybody, even where reads are private."""
    PUBLIC = "public"
    READ = "read"
    TRADE = "trade"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that was let in; `who` is None if nobody proved to be somebody."""

    params: Params
    now_ms: int
    who: Trader | None = None
    connection: str = ""
    """Of a WebSocket; "" over HTTP."""

    @property
    def trader(self) -> Trader:
        if self.who is None:
            raise RpcError(Code.AUTHORIZATION_REQUIRED)
        return self.who


Handler = Callable[[Call], Any]


class Route(NamedTuple):
    handler: Handler
    limit: Limit = Limit.REQUESTS
    access: Access = Access.PUBLIC


def socket_only(call: Call) -> Any:
    """Refuse a method that concerns a connection."""
    raise RpcError(Code.WEBSOCKET_ONLY, "this method needs a WebSocket: /ws/api/v2")
