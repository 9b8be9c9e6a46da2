"""Requests of JSON-RPC 2.0 with named parameters. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from market.quoting import quoted
from venues.deribit.envelopes import VERSION, RequestId
from venues.deribit.errors import Code, RpcError
from venues.deribit.params import Params
from venues.doors.bodies import parse_object

LONGEST_ID: Final = 128
LARGEST_ID: Final = 2**63 - 1


@dataclass(frozen=True)
class RpcRequest:
    """`method` is that of Deribit, e.g. public/ticker."""

    id: RequestId
    method: str
    params: Params


class BadRequestError(RpcError):
    """The request cannot be executed; `id` is its own if that could be read."""

    def __init__(self, code: Code, reason: str, request_id: RequestId = None) -> None:
        super().__init__(code, reason)
        self.id = request_id


def parsed(body: bytes, *, needs_id: bool = True, method: str = "") -> RpcRequest:
    """Return the request in a message; raise BadRequestError.

    `method`: the one that is meant if the message names none.
    """
    try:
        message = parse_object(body)
    except ValueError as error:
        raise BadRequestError(Code.UNPARSED, str(error)) from None
    request_id = identifier(message, needs_id=needs_id)
    if message.get("jsonrpc", VERSION) != VERSION:
        reason = f'jsonrpc {quoted(str(message["jsonrpc"]))} must be "{VERSION}"'
        raise BadRequestError(Code.INVALID_REQUEST, reason, request_id)
    called, params = message.get("method", method), message.get("params")
    if not isinstance(called, str) or not called:
        raise BadRequestError(Code.INVALID_REQUEST, "method is missing", request_id)
    if not isinstance(params, dict | None):
        reason = "params must be an object: parameters have names"
        raise BadRequestError(Code.INVALID_PARAMS, reason, request_id)
    return RpcRequest(request_id, called.strip("/"), Params(params or {}))


def identifier(message: Mapping[str, Any], *, needs_id: bool) -> RequestId:
    """Return the id of a request; raise BadRequestError."""
    found = message.get("id")
    if found is None and needs_id:
        raise BadRequestError(Code.INVALID_REQUEST, "id is missing: every request needs one")
    if isinstance(found, bool) or not isinstance(found, int | str | None):
        raise BadRequestError(Code.INVALID_REQUEST, "id must be a whole number or a text")
    if isinstance(found, int) and abs(found) > LARGEST_ID:  # answers could not repeat it
        raise BadRequestError(Code.INVALID_REQUEST, "id has more than 64 bits")
    if isinstance(found, str) and not found.isprintable():
        raise BadRequestError(Code.INVALID_REQUEST, "id must consist of printable characters")
    if isinstance(found, str) and len(found) > LONGEST_ID:
        reason = f"id has {len(found)} characters, more than {LONGEST_ID}"
        raise BadRequestError(Code.INVALID_REQUEST, reason)
    return found
