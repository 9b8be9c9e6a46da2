"""Long computations over HTTP: start, list, read, cancel."""

import uuid
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, ClassVar

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from kombu.exceptions import OperationalError as BrokerError
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.views import APIView

from indicators import runs
from indicators.api import checked, find_indicator, responses
from indicators.embedded import start_run
from indicators.models import ComputationRun
from indicators.schemas import RUN_SCHEMA, RunRequest
from market.times import to_microseconds
from quotes.http.tables import find_instrument
from web import formats


class StaffOrReadOnly(BasePermission):  # type: ignore[misc]  # REST framework ships no types
    """Anyone may read; writes require a staff session or a token of a staff user.

    With LOCAL_WRITES, programs on this machine need neither.
    """

    message = "starting a computation requires a staff session or a token"

    def has_permission(self, request: Any, view: Any) -> bool:
        if request.method in SAFE_METHODS:
            return True
        if request.user is None:
            return settings.LOCAL_WRITES and is_local_program(request)
        return bool(request.user.is_staff)


OF_BROWSERS_AND_PROXIES = ("Origin", "Sec-Fetch-Site", "Forwarded", "X-Forwarded-For")


def is_local_program(request: HttpRequest) -> bool:
    """Return whether a request comes from a program on this machine.

    A request of a browser or through a proxy is not treated as local: a page of any site can use
    the browser, and all clients of a local proxy have its address.
    """
    if any(name in request.headers for name in OF_BROWSERS_AND_PROXIES):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:  # a socket without addresses
        return False


class BrokerUnavailable(APIException):  # type: ignore[misc]  # REST framework ships no types
    status_code = 503
    default_detail = "the task broker is unavailable, nothing was started: try again"
    wait = 2


class ComputationView(APIView):  # type: ignore[misc]  # REST framework ships no types
    """Public reads; writes by staff."""

    authentication_classes: ClassVar[list[Any]] = [TokenAuthentication, SessionAuthentication]
    permission_classes: ClassVar[list[Any]] = [StaffOrReadOnly]


class RunsView(ComputationView):
    @extend_schema(
        operation_id="runs_list",
        tags=["indicators"],
        auth=[],
        responses=responses(200, {"type": "array", "items": RUN_SCHEMA}),
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """The newest hundred computations."""
        listed = ComputationRun.objects.select_related("instrument")[:100]
        return formats.json_response([run_json(run) for run in listed])

    @extend_schema(
        operation_id="runs_create",
        tags=["indicators"],
        request=RunRequest,
        responses=responses(202, RUN_SCHEMA),
    )
    def post(self, request: Any) -> HttpResponse:
        """Start a measure over every window of a span; Location names the computation."""
        run = start_asked_run(request.data)
        response = formats.json_response(run_json(run))
        response.status_code = 202
        response["Location"] = f"/api/v1/indicators/runs/{run.pk}/"
        return response


def start_asked_run(data: Mapping[str, Any]) -> ComputationRun:
    """Check, store and start a computation; raise APIException naming what is wrong."""
    asked = RunRequest(data=data)
    asked.is_valid(raise_exception=True)
    given = asked.validated_data
    instrument = find_instrument(given["symbol"])
    parameters = checked(find_indicator(given["indicator"]), given["parameters"])
    try:
        run = runs.plan_run(
            indicator=given["indicator"],
            instrument=instrument,
            start=given["start"],
            end=given["end"],
            parameters=parameters,
            step=given["step"],
        )
    except runs.RunRefusedError as error:
        raise ValidationError({"start": [str(error)]}) from error
    try:
        start_run(run)
    except BrokerError as error:
        runs.fail(run.pk, f"the task broker was unavailable: {error}")
        raise BrokerUnavailable from error
    return run


class RunView(ComputationView):
    @extend_schema(
        operation_id="runs_read",
        tags=["indicators"],
        auth=[],
        responses=responses(200, RUN_SCHEMA),
    )
    def get(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """State, progress and result of a computation."""
        return formats.json_response(run_json(find_run(run_id)))

    @extend_schema(
        operation_id="runs_cancel",
        tags=["indicators"],
        request=None,
        responses=responses(202, RUN_SCHEMA),
    )
    def delete(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Cancel a computation that is not finished; what it stored stays."""
        runs.cancel(find_run(run_id))
        response = formats.json_response(run_json(find_run(run_id)))
        response.status_code = 202
        return response


def find_run(run_id: str) -> ComputationRun:
    try:
        return ComputationRun.objects.select_related("instrument").get(pk=uuid.UUID(run_id))
    except (ValueError, ComputationRun.DoesNotExist):
        raise NotFound(
            f"there is no computation {run_id!r}: see /api/v1/indicators/runs/"
        ) from None


def run_json(run: ComputationRun) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "indicator": run.indicator,
        "symbol": run.instrument.symbol,
        "start": to_microseconds(run.start) // 1000,
        "end": to_microseconds(run.end) // 1000,
        "step": run.step,
        "parameters": orjson.loads(run.parameters),
        "state": run.state,
        "error": run.error or None,
        **runs.progress(run),
    }
