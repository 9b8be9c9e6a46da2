"""HTTP of the door: GET and POST /api/v2/METHOD. From a request to an answer; it never raises."""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import orjson

from exchange.accounts.traders import Trader
from market.quoting import quoted
from venues.deribit import proofs
from venues.deribit.envelopes import Envelope, answer, refusal
from venues.deribit.errors import Code, RpcError
from venues.deribit.methods.admission import Gate, as_rpc_error, check_access, route_of
from venues.deribit.methods.calls import Call, Route
from venues.deribit.params import Params
from venues.deribit.requests import BadRequestError, RpcRequest, parsed
from venues.doors import clock
from venues.doors.clients import Key, clients
from venues.doors.http import MOST_BYTES, Answer, Request
from venues.doors.metrics import REQUESTS

ROOT: Final = "/api/v2"
METHODS: Final = ("GET", "POST")
MOST_MEMBERS: Final = 50
STATUSES: Final = {
    Code.TOO_MANY_REQUESTS: HTTPStatus.TOO_MANY_REQUESTS,
    Code.AUTHORIZATION_REQUIRED: HTTPStatus.UNAUTHORIZED,
    Code.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
}
"""All other errors are answered with 400."""
ACCESS_PARAM: Final = "access_token"


class Rest:
    """Answers requests; one for each process, because it counts them."""

    def __init__(self, gate: Gate | None = None) -> None:
        """`gate`: that of the whole door, which counts requests on its WebSockets as well."""
        self._gate = gate or Gate()

    def __call__(self, request: Request) -> Answer:
        """Return the answer to any request."""
        received_us = clock.now_ns() // 1_000
        method, request_id, who = "", None, None
        try:
            rpc = rpc_of(request)
            method, request_id = rpc.method, rpc.id
            route = route_of(rpc.method)
            who = self._paid(request, rpc, route)
            check_access(route, who)
            result = route.handler(Call(params=rpc.params, now_ms=clock.now_ms(), who=who))
        except Exception as error:
            refused = as_rpc_error(error, method)
            note(request.address, who, str(refused))
            request_id = getattr(error, "id", request_id)
            body = refusal(request_id, refused, received_us, clock.now_ns() // 1_000)
            return answered(body, STATUSES.get(refused.code, HTTPStatus.BAD_REQUEST))
        note(request.address, who)
        return answered(answer(request_id, result, received_us, clock.now_ns() // 1_000))

    def _paid(self, request: Request, rpc: RpcRequest, route: Route) -> Trader | None:
        """Return who sent a request and has paid for it; raise RpcError."""
        try:
            who = trader_of(request, rpc)
        except RpcError:  # guesses cost the address
            self._gate.pay(route, None, request.address)
            raise
        self._gate.pay(route, who, request.address)
        return who


def note(address: str, who: Trader | None, refusal: str = "") -> None:
    """Show a request on the page of clients."""
    account = "" if who is None else who.account.name
    clients.request(Key("deribit", address, account), refusal=refusal)


def trader_of(request: Request, rpc: RpcRequest) -> Trader | None:
    """Return who sent a request, by its header or its token; raise RpcError."""
    who = proofs.by_header(request)
    if who is None and rpc.params.has(ACCESS_PARAM):
        return proofs.by_token(rpc.params.required(ACCESS_PARAM, longest=proofs.LONGEST_TOKEN), "")
    return who


def rpc_of(request: Request) -> RpcRequest:
    """Return what an HTTP request asks for; raise RpcError."""
    if request.body is None:
        reason = f"the body is larger than {MOST_BYTES} bytes"
        raise BadRequestError(Code.BAD_REQUEST, reason)
    if request.method not in METHODS:
        raise BadRequestError(Code.BAD_REQUEST, f"use {' or '.join(METHODS)}")
    named = request.path.removeprefix(ROOT).strip("/")
    if request.method == "GET" or not request.body:
        return RpcRequest(None, named, in_query(request.query))
    rpc = parsed(request.body, needs_id=False, method=named)
    if named and rpc.method != named:
        reason = f"the body calls {quoted(rpc.method)}, the path {quoted(named)}"
        raise BadRequestError(Code.INVALID_REQUEST, reason, rpc.id)
    return rpc


def in_query(query: bytes) -> Params:
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, max_num_fields=MOST_MEMBERS)
    except ValueError as error:
        raise BadRequestError(Code.BAD_REQUEST, f"the query is malformed: {error}") from None
    return Params(dict(pairs))


def answered(body: Envelope, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    error = body.get("error")
    REQUESTS.labels("deribit", error["code"] if error else 0).inc()
    return Answer(
        status=status,
        body=orjson.dumps(body),
        headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
    )
