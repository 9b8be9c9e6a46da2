"""Who may call what: routes, permissions, credits. The same over HTTP and WebSocket."""

import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import DatabaseError

from exchange.accounts.traders import Trader
from market.quoting import quoted
from venues.deribit.credits import Credits
from venues.deribit.errors import Code, RpcError
from venues.deribit.methods.calls import Access, Route
from venues.deribit.methods.routes import ROUTES

logger = structlog.get_logger(__name__)


def route_of(method: str) -> Route:
    """Return a method that is served; raise RpcError."""
    route = ROUTES.get(method)
    if route is None:
        reason = f"{quoted(method)} does not exist or is not served: see docs/deribit.md"
        raise RpcError(Code.NO_METHOD, reason)
    return route


def check_access(route: Route, who: Trader | None) -> None:
    """Raise RpcError unless a method may be called."""
    if route.access is Access.OPEN or (route.access is Access.PUBLIC and settings.READS_PUBLIC):
        return
    if who is None:
        raise RpcError(Code.AUTHORIZATION_REQUIRED)
    if route.access is Access.TRADE and not who.can_trade:
        raise RpcError(Code.FORBIDDEN, "this key, or the scope of this token, may only read")


class Gate:
    """Credits of accounts and of addresses; one for each process, because it counts."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._credits = Credits(settings.DERIBIT_LIMIT_FACTOR, clock)

    def pay(self, route: Route, who: Trader | None, address: str) -> None:
        """Pay for a request; raise RpcError if credits are exhausted."""
        client = address if who is None else who.account.pk
        if not self._credits.take(client, route.limit):
            raise RpcError(Code.TOO_MANY_REQUESTS)


def as_rpc_error(error: Exception, method: str) -> RpcError:
    """Return the error that answers an exception; log what is no fault of the client."""
    if isinstance(error, RpcError):
        return error
    if isinstance(error, DatabaseError):
        logger.warning("database unavailable", method=method, error=str(error).strip())
        return RpcError(Code.RETRY, "the database is unavailable: try again")
    logger.error("request failed", method=method, exc_info=error)
    return RpcError(Code.ERROR)
