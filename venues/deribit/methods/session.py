"""Methods that concern no market: time, status, authentication."""

from typing import Any, Final

from venues.deribit import proofs
from venues.deribit.methods.calls import Call

API_VERSION: Final = "1.2.26"


def get_time(call: Call) -> int:
    return call.now_ms


def test(call: Call) -> dict[str, Any]:
    """Return the version of the API; it also answers a test_request."""
    call.params.text("expected_result")
    return {"version": API_VERSION}


def hello(call: Call) -> dict[str, Any]:
    call.params.required("client_name")
    call.params.required("client_version")
    return {"version": API_VERSION}


def status(call: Call) -> dict[str, Any]:
    return {"locked": "false", "locked_indices": []}


def auth(call: Call) -> dict[str, Any]:
    return proofs.authenticate(call.params, "").result


def exchange_token(call: Call) -> dict[str, Any]:
    return proofs.exchange(call.params, "").result


def fork_token(call: Call) -> dict[str, Any]:
    return proofs.fork(call.params, call.connection).result
