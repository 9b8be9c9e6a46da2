"""What endpoints that send commands share: the sender, errors, waiting for the result."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.exceptions import APIException, AuthenticationFailed, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from exchange.accounts.listings import CAUSES, ORDERS, Status, order_values
from exchange.accounts.readiness import is_open
from exchange.accounts.results import WAIT_S, answered
from exchange.accounts.submission import (
    ClientIdError,
    ClosedError,
    NoPositionError,
    Sender,
    SignatureUsedError,
)
from exchange.clearing.commands import ANYTIME
from exchange.http.authentication import ACCESS, ForTraders
from exchange.http.limits import LIMITS
from exchange.http.orderbodies import LONGEST_CLIENT_ID
from exchange.http.tables import exact_json
from exchange.models import Command, Execution, Order
from web.bodies import ExactJSONParser
from web.views import AnyClient

KEY_HEADER = "Idempotency-Key"


class Closed(APIException):  # type: ignore[misc]  # REST framework ships no types
    status_code = 503
    wait = 2


class Conflict(APIException):  # type: ignore[misc]  # REST framework ships no types
    status_code = 409


class TraderView(APIView):  # type: ignore[misc]  # REST framework ships no types
    """A view of one account."""

    authentication_classes: ClassVar[list[Any]] = ACCESS
    permission_classes: ClassVar[list[Any]] = [ForTraders]
    throttle_classes: ClassVar[list[Any]] = LIMITS
    parser_classes: ClassVar[list[Any]] = [ExactJSONParser]
    content_negotiation_class = AnyClient
    renderer_classes: ClassVar[list[Any]] = [JSONRenderer]


def sender(request: Any, client_id: str = "") -> Sender:
    """Return who sends a command; the client id of the body or the header names it."""
    key = request.headers.get(KEY_HEADER, "")
    if len(key) > LONGEST_CLIENT_ID or not key.isascii() or (key and not key.isprintable()):
        reason = f"must be up to {LONGEST_CLIENT_ID} printable ASCII characters"
        raise ValidationError({KEY_HEADER: [reason]})
    if client_id and key and client_id != key:
        raise ValidationError({"client_id": [f"{client_id!r} differs from {KEY_HEADER} {key!r}"]})
    trader = request.user
    return Sender(account=trader.account, client_id=client_id or key, signature=trader.signature)


def executed(submit: Callable[[], Command]) -> Command:
    """Submit a command and return it once it is done, or after WAIT_S as it is."""
    try:
        command = submit()
    except ClosedError as error:
        raise Closed(str(error)) from error
    except SignatureUsedError as error:
        raise AuthenticationFailed(str(error)) from error
    except (ClientIdError, NoPositionError) as error:
        raise Conflict(str(error)) from error
    return answered(command, WAIT_S if command.kind not in ANYTIME or is_open() else 0.0)


def refuse_rejected(command: Command) -> None:
    """Raise Conflict where the desk did not do what the command asked for."""
    if command.reason is not None and (cause := CAUSES[command.reason]).is_rejection:
        raise Conflict(cause.text)


def order_answer(command: Command, status: int) -> HttpResponse:
    """Answer an order as the command left it; 202 while it waits for the desk."""
    order = command.order
    assert order is not None  # noqa: S101  # of all commands that are answered by orders
    body = left_by(command, order)
    response = exact_json(body, status if command.done else 202)
    response["Location"] = f"/api/v1/orders/{order.pk}/"
    return response


def left_by(command: Command, order: Order) -> dict[str, Any]:
    """Return an order as the command left it, the same whenever it is asked for."""
    left = command.result
    if left is None:
        return detailed(ORDERS.record(order), None)
    value = order.value
    if order.filled != left["filled"]:  # there were fills since
        value = value_of_first(order, left["filled"])
    status = Status(value=value, cause=command.reason, **left)
    values = ORDERS.json_row(order_values(order, status))
    return detailed(dict(zip(ORDERS.columns, values, strict=True)), command.reason)


def value_of_first(order: Order, lots: int) -> int:
    """Return ticks * lots of the executions of the first `lots`."""
    fills = Execution.objects.filter(account=order.account_id, order=order.pk).order_by("number")
    value = 0
    for ticks, size in fills.values_list("ticks", "lots"):
        if lots <= 0:
            break
        value += ticks * size
        lots -= size
    return value


def detailed(record: dict[str, Any], cause: int | None) -> dict[str, Any]:
    """Return an order with the text of its reason."""
    return {**record, "detail": None if cause is None else CAUSES[cause].text}
