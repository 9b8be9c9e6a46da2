"""Who may come in: routes, limits, keys, the receive window, signatures, permissions."""

from collections.abc import Callable
from typing import Final

from django.conf import settings

from exchange.accounts import traders
from exchange.accounts.traders import Trader, UnknownKeyError, WrongSignatureError
from market.integers import parse_integer
from market.quoting import quoted
from venues.bybit.errors import BybitError, RetCode, parameter_error
from venues.bybit.limits import Limit, Usage, Windows
from venues.bybit.rest.calls import Access, Route
from venues.bybit.rest.routes import ROUTES
from venues.bybit.signing import (
    DEFAULT_WINDOW_MS,
    LARGEST_WINDOW_MS,
    is_in_window,
    request_text,
)
from venues.doors import clock
from venues.doors.http import Request
from venues.doors.members import LATEST_MS

KEY, TIMESTAMP, WINDOW, SIGN = (
    "x-bapi-api-key", "x-bapi-timestamp", "x-bapi-recv-window", "x-bapi-sign",
)  # fmt: skip
LONGEST_KEY: Final = 64


def now_ms() -> int:
    """Return the wall clock: simulated time has no part in signatures."""
    return clock.now_ms()


def route_of(request: Request) -> Route:
    """Return the endpoint of a request; raise BybitError."""
    route = ROUTES.get((request.method, request.path))
    if route is None:
        asked = f"{request.method} {quoted(request.path)[1:-1]}"
        raise BybitError(RetCode.ROUTE, f"{RetCode.ROUTE.text} {asked}: see docs/bybit.md")
    return route


def trader_of(request: Request, route: Route) -> Trader | None:
    """Return who signed a request, None where nobody needs to; raise BybitError."""
    is_open = route.access is Access.PUBLIC and (
        settings.READS_PUBLIC or route is ROUTES["GET", "/v5/market/time"]
    )
    if is_open:
        return None
    trader = signed(request, now_ms())
    if route.access is Access.TRADE and not trader.can_trade:
        raise BybitError(RetCode.PERMISSION)
    return trader


def signed(request: Request, now: int) -> Trader:
    """Return who signed a request, within its window; raise BybitError."""
    headers = request.headers
    key, given = headers.get(KEY, ""), headers.get(SIGN, "")
    if not key or len(key) > LONGEST_KEY:
        raise BybitError(RetCode.API_KEY)
    if not given:
        raise BybitError(RetCode.SIGNATURE)
    check_window(headers.get(TIMESTAMP, ""), headers.get(WINDOW, ""), now)
    sent = request.query if request.method == "GET" else request.body or b""
    text = request_text(headers[TIMESTAMP], key, headers.get(WINDOW, ""), sent)
    try:
        return traders.by_signature(key, text, given)
    except UnknownKeyError as error:
        raise BybitError(RetCode.API_KEY) from error
    except WrongSignatureError as error:
        raise BybitError(RetCode.SIGNATURE) from error


def check_window(timestamp: str, window: str, now: int) -> None:
    """Raise BybitError unless a request was signed within its receive window."""
    try:
        at = parse_integer(timestamp, 0, LATEST_MS)
        length = parse_integer(window or str(DEFAULT_WINDOW_MS), 1, LARGEST_WINDOW_MS)
    except ValueError as error:
        raise parameter_error(f"timestamp or recv_window: {error}") from None
    if not is_in_window(now, at, length):
        shown = f"req_timestamp[{at}],server_timestamp[{now}],recv_window[{length}]"
        raise BybitError(RetCode.WINDOW, f"{RetCode.WINDOW.text}. {shown}")


class Gate:
    """Counts requests by address, and by account or address and class."""

    def __init__(self, now_s: Callable[[], float] = clock.now_s) -> None:
        self._windows = Windows(settings.BYBIT_LIMIT_FACTOR, now_s)

    def by_address(self, address: str) -> Usage:
        """Count a request of an address; the usage says whether it was too many."""
        return self._windows.take(address, Limit.ADDRESS)

    def by_class(self, trader: Trader, limit: Limit) -> Usage:
        return self._windows.take(trader.account.pk, limit)
