"""From a request to an answer: the one way through the door, which never raises."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
import structlog
from django.db import DatabaseError

from exchange.accounts.traders import Trader
from venues.bybit.envelopes import Envelope, envelope, refusal
from venues.bybit.errors import BybitError, RetCode, parameter_error
from venues.bybit.fields import Fields
from venues.bybit.limits import Limit, Usage
from venues.bybit.rest.admission import Gate, now_ms, route_of, trader_of
from venues.bybit.rest.calls import Call
from venues.doors.bodies import parse_object
from venues.doors.clients import Key, Use, clients
from venues.doors.http import MOST_BYTES, Answer, Request
from venues.doors.metrics import REQUESTS

logger = structlog.get_logger(__name__)

MOST_MEMBERS: Final = 50
STATUSES: Final = {
    RetCode.ROUTE: HTTPStatus.NOT_FOUND,
    RetCode.IP_LIMIT: HTTPStatus.FORBIDDEN,
}
"""All other codes are answered with 200, as by Bybit."""


class Rest:
    """Answers requests; one for each process, because it counts them."""

    def __init__(self, gate: Gate | None = None) -> None:
        """`gate`: that of the whole door, which counts requests on its WebSockets as well."""
        self._gate = gate or Gate()

    def __call__(self, request: Request) -> Answer:
        """Return the answer to any request."""
        usage = self._gate.by_address(request.address)
        limit, trader = Limit.ADDRESS, None
        try:
            if usage.is_exceeded:
                raise BybitError(RetCode.IP_LIMIT)
            route = route_of(request)
            if request.body is None:
                raise TooLargeError
            trader = trader_of(request, route)
            if trader is not None:
                limit = route.limit
                usage = self._gate.by_class(trader, limit)
                if usage.is_exceeded:
                    raise BybitError(RetCode.TOO_MANY_VISITS)
            call = Call(fields=fields_of(request), now_ms=now_ms(), who=trader)
            result = route.handler(call)
        except Exception as error:
            refused = reason(error, request)
            note(request.address, trader, limit, usage, refused)
            return answered(refusal(refused, now_ms()), usage, status_of(refused))
        note(request.address, trader, limit, usage)
        return answered(envelope(result.result, now_ms(), result.more), usage)


def note(
    address: str,
    trader: Trader | None,
    limit: Limit,
    usage: Usage | None,
    refused: BybitError | None = None,
) -> None:
    """Show a request on the page of clients."""
    account = "" if trader is None else trader.account.name
    reason = "" if refused is None else f"{refused.code.value}: {refused.text}"
    limits = {} if usage is None else {limit.value.counts: Use(usage.limit, usage.left)}
    clients.request(Key("bybit", address, account), refusal=reason, limits=limits)


class TooLargeError(BybitError):
    """The body has more than MOST_BYTES."""

    def __init__(self) -> None:
        text = f"{RetCode.PARAMETER.text}: the body is larger than {MOST_BYTES} bytes"
        super().__init__(RetCode.PARAMETER, text)


def reason(error: Exception, request: Request) -> BybitError:
    """Return the error of Bybit that answers an exception; log what is no fault of the client."""
    if isinstance(error, BybitError):
        return error
    if isinstance(error, DatabaseError):
        logger.warning("database unavailable", path=request.path, error=str(error).strip())
        text = f"{RetCode.SERVER.text} The database is unavailable: try again."
        return BybitError(RetCode.SERVER, text)
    logger.error("request failed", method=request.method, path=request.path, exc_info=error)
    return BybitError(RetCode.SERVER)


def status_of(error: BybitError) -> HTTPStatus:
    if isinstance(error, TooLargeError):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return STATUSES.get(error.code, HTTPStatus.OK)


def fields_of(request: Request) -> Fields:
    """Return the parameters in the query of a GET, or in the body of a POST; raise BybitError."""
    if request.method == "POST":
        return Fields(parsed(request.body or b""))
    try:
        pairs = parse_qsl(
            request.query.decode(), keep_blank_values=True, max_num_fields=MOST_MEMBERS
        )
    except ValueError as error:
        raise parameter_error(f"the query is malformed: {error}") from None
    return Fields(dict(pairs))


def parsed(body: bytes) -> Mapping[str, Any]:
    """Return a JSON object whose fractions are exact; raise BybitError."""
    try:
        return parse_object(body)
    except ValueError as error:
        raise parameter_error(str(error)) from None


def answered(body: Envelope, usage: Usage, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    """Return the answer with its limits in headers."""
    REQUESTS.labels("bybit", body["retCode"]).inc()
    return Answer(
        status=status,
        body=orjson.dumps(body),
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "Cache-Control": "no-store",
            "Traceid": secrets.token_hex(16),
            "Timenow": str(body["time"]),
            **limit_headers(usage),
        },
    )


def limit_headers(usage: Usage) -> dict[str, str]:
    return {
        "X-Bapi-Limit": str(usage.limit),
        "X-Bapi-Limit-Status": str(usage.left),
        "X-Bapi-Limit-Reset-Timestamp": str(usage.reset_ms),
    }
