"""Actions at the venue of a bot: each is carried out once, and failures are answers."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException, ValidationError

from trading.acting import CONFLICTS
from trading.opening import NoBrokerError
from trading.operations import BRIEFLY, KEPT, OtherParametersError, StillRunningError, once
from venues.brokers import BrokerError

R = TypeVar("R")

KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 64},
    OpenApiParameter.HEADER,
    description="A repeat under the same key gets the first answer for an hour.",
)
LONGEST_KEY: Final = 64
REPLAYED: Final = "Idempotency-Replayed"


class Conflict(APIException):  # type: ignore[misc]  # REST framework ships no types
    """What is asked does not fit the present state."""

    status_code = 409


class VenueFailed(APIException):  # type: ignore[misc]  # REST framework ships no types
    """The venue of a bot did not do what was asked."""

    status_code = 503
    wait = 2


def at_venue(act: Callable[[], R]) -> R:
    """Act at the venue of a bot; raise Conflict or VenueFailed."""
    try:
        return act()
    except CONFLICTS as error:
        raise Conflict(str(error)) from error
    except (BrokerError, NoBrokerError) as error:
        raise VenueFailed(str(error)) from error


def once_only(
    request: Any,
    operation: str,
    parameters: Mapping[str, Any],
    carry_out: Callable[[], HttpResponse],
    *,
    is_named: bool = False,
    is_versioned: bool = False,
) -> HttpResponse:
    """Return the first answer to an operation of this user, also to concurrent repeats.

    The header Idempotency-Key names the operation. Without it, its parameters do, so they must tell
    a repeat from another wish; with `is_named`, they do not, and only the header makes a repeat.
    With `is_versioned`, they contain the version of what is acted on: a later repeat without the
    header is a new attempt, because the first one may have changed nothing.
    """
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > LONGEST_KEY or (key and not (key.isascii() and key.isprintable())):
        reason = f"must be up to {LONGEST_KEY} printable ASCII characters"
        raise ValidationError({"Idempotency-Key": [reason]})
    if is_named and not key:
        return carry_out()
    is_first = []

    def result() -> dict[str, Any]:
        is_first.append(True)
        response = carry_out()
        headers = {name: response[name] for name in ("Location",) if name in response}
        return {
            "status": response.status_code, "body": response.content.decode(), "headers": headers
        }  # fmt: skip

    try:
        found = once(
            scope=f"user {request.user.pk}",
            operation=operation,
            parameters=parameters,
            carry_out=result,
            key=key,
            kept=BRIEFLY if is_versioned and not key else KEPT,
        )
    except OtherParametersError as error:
        raise Conflict(str(error)) from error
    except StillRunningError as error:
        raise VenueFailed(str(error)) from error
    answer = HttpResponse(found["body"], "application/json", found["status"])
    for name, value in found["headers"].items():
        answer[name] = value
    if not is_first:
        answer[REPLAYED] = "true"
    return answer
