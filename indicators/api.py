"""Measures over HTTP: the catalogue, the estimate now, stored readings, long computations."""

import uuid
from collections.abc import Mapping
from dataclasses import fields
from ipaddress import ip_address
from typing import Any, ClassVar

import numpy as np
import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from kombu.exceptions import OperationalError as BrokerError
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.views import APIView

from indicators import runs
from indicators.catalogue import CATALOGUE, INDICATORS, Indicator, ParameterError, Value
from indicators.catalogue import parameters_key as key_of
from indicators.embedded import start_run
from indicators.estimate import Estimate, RefusedError
from indicators.models import ComputationRun, Reading
from indicators.readings import Measured, measure
from indicators.runs import rolling_rows
from indicators.schemas import CATALOGUE_SCHEMA, ESTIMATE_SCHEMA, RUN_SCHEMA, RunRequest
from instruments.models import Instrument
from quotes import wire
from quotes.api import HistoryView, find_instrument, read
from quotes.fields import from_microseconds, to_microseconds
from quotes.history import Page
from quotes.parameters import cursor_text

READING_COLUMNS = (
    "window_end", "value", "low", "high", "null_low", "null_high", "truth", "reason",
)  # fmt: skip
COMMON = {field.name for field in fields(Estimate)}
ROLLING = ("window_end", "value", "truth")
PAGED = ("start", "end", "limit", "cursor", "format")


def find_indicator(name: str) -> Indicator:
    if name not in CATALOGUE:
        listed = ", ".join(CATALOGUE)
        raise NotFound(f"there is no indicator {name!r}; there are {listed}")
    return CATALOGUE[name]


def checked(indicator: Indicator, given: Mapping[str, object]) -> dict[str, Value]:
    """Return the parameters; raise ValidationError naming what is wrong."""
    try:
        return indicator.read(given)
    except ParameterError as error:
        raise ValidationError({error.name: [error.reason]}) from error


def described(indicator: Indicator) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(p.name, OpenApiTypes.STR, description=f"{p.help} Default {p.default}.")
        for p in indicator.parameters
    ]


ANY_PARAMETER = list({p.name: p for i in INDICATORS for p in described(i)}.values())


def responses(status: int, schema: Any) -> dict[tuple[int, str], Any]:
    problems = (400, 401, 403, 404, 429) if status == 202 else (400, 404, 429)
    return {
        (status, "application/json"): schema,
        **{(code, "application/problem+json"): wire.PROBLEM_SCHEMA for code in problems},
    }


class CatalogueView(HistoryView):
    @extend_schema(
        operation_id="indicators_list",
        tags=["indicators"],
        responses=responses(200, CATALOGUE_SCHEMA),
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """All measures with their parameters."""
        read(request)
        return wire.json_response([indicator.described() for indicator in INDICATORS])


class EstimateView(HistoryView):
    @extend_schema(
        operation_id="indicators_estimate",
        tags=["indicators"],
        parameters=ANY_PARAMETER,
        responses=responses(200, ESTIMATE_SCHEMA),
    )
    def get(self, request: HttpRequest, name: str, symbol: str) -> HttpResponse:
        """The estimate now, beside the truth. A value of null comes with its reason."""
        indicator = find_indicator(name)
        instrument = find_instrument(symbol)
        parameters = checked(indicator, request.GET.dict())
        try:
            found = measure(indicator, instrument, parameters)
        except ParameterError as error:
            raise ValidationError({error.name: [error.reason]}) from error
        return wire.json_response(
            {
                "indicator": name,
                "symbol": symbol,
                "parameters": parameters,
                **estimate_json(found),
            }
        )


def estimate_json(found: Measured) -> dict[str, Any]:
    estimate = found.estimate
    own = {
        field.name: getattr(estimate, field.name)
        for field in fields(estimate)
        if field.name not in COMMON
    }
    return {
        "value": estimate.value,
        "reason": estimate.reason,
        "interval": estimate.interval,
        "null_band": estimate.null_band,
        "n": estimate.n,
        "window_end": None if found.window_end is None else found.window_end // 1000,
        "truth": {"mean_phi": found.truth},
        "details": {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in own.items()
        },
    }


class SeriesView(HistoryView):
    prices = frozenset()

    @wire.documented("indicators_series", PAGED, wire.table_schema(READING_COLUMNS))
    def get(self, request: HttpRequest, name: str, symbol: str) -> HttpResponse:
        """Stored readings in ascending order; without `start` the newest `limit`."""
        indicator = find_indicator(name)
        instrument = find_instrument(symbol)
        own = [parameter.name for parameter in indicator.parameters]
        asked = read(request, *own, *PAGED)
        given = {key: value for key, value in request.GET.items() if key in own}
        start, end = asked.span()
        after = asked.cursor("readings")
        if after is not None:
            start = after * 1000 + 1
        key = key_of(checked(indicator, given))
        page = stored(instrument, name, key, start, end, asked.limit())
        return self.table(
            request,
            instrument,
            READING_COLUMNS,
            page,
            {"indicator": name},
            cursor_text("readings", page.more_after),
        )


def stored(
    instrument: Instrument, name: str, key: str, start: int | None, end: int | None, limit: int
) -> Page:
    found = Reading.objects.of(instrument, name, key).between(
        *(None if at is None else from_microseconds(at) for at in (start, end))
    )
    columns = ("window_end", "value", "low", "high", "null_low", "null_high", "truth", "reason")
    newest_first = start is None
    ordered = found.order_by("-window_end") if newest_first else found
    rows = [
        (to_microseconds(row[0]) // 1000, *row[1:-1], row[-1] or None)
        for row in ordered.values_list(*columns)[: limit + 1]
    ]
    more = len(rows) > limit
    rows = rows[:limit]
    if newest_first:
        return Page(rows[::-1], None)
    return Page(rows, rows[-1][0] if more else None)


class RollingView(HistoryView):
    @wire.documented("indicators_rolling", ["start", "end", "format"], wire.table_schema(ROLLING))
    def get(self, request: HttpRequest, name: str, symbol: str) -> HttpResponse:
        """The measure over all windows that end in a span, `step` points apart, computed now.

        Where there is no row, `reason` says why. At most 10,000 windows; for
        more, or to keep them, start a computation.
        """
        indicator = find_indicator(name)
        instrument = find_instrument(symbol)
        own = [parameter.name for parameter in indicator.parameters]
        asked = read(request, *own, "step", "start", "end", "format")
        given = {key: value for key, value in request.GET.items() if key in own}
        parameters = checked(indicator, given)
        step = asked.whole("step", 1, 100_000, 1)
        start, end = asked.span()
        rows, reason = [], None
        try:
            rows = rolling_rows(indicator, instrument, parameters, step, start, end)
        except RefusedError as error:
            reason = str(error)
        except ParameterError as error:
            raise ValidationError({error.name: [error.reason]}) from error
        extra = {
            "indicator": name,
            "reason": reason,
            "null_value": indicator.null_value,
            "null_band": indicator.band(parameters),
        }
        return self.table(request, instrument, ROLLING, Page(rows, None), extra)


class StaffOrReadOnly(BasePermission):  # type: ignore[misc]
    """Anyone reads; who writes needs a staff session or a token of a staff user.

    With LOCAL_WRITES a program on this machine needs neither.
    """

    message = "starting a computation needs a staff session or a token"

    def has_permission(self, request: Any, view: Any) -> bool:
        if request.method in SAFE_METHODS:
            return True
        if request.user is None:
            return settings.LOCAL_WRITES and is_local_program(request)
        return bool(request.user.is_staff)


OF_BROWSERS_AND_PROXIES = ("Origin", "Sec-Fetch-Site", "Forwarded", "X-Forwarded-For")


def is_local_program(request: HttpRequest) -> bool:
    """Tell a program on this machine from others, and from what speaks for others.

    Any page may use a browser, and to us all clients of a proxy on this machine are local.
    """
    if any(name in request.headers for name in OF_BROWSERS_AND_PROXIES):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:  # a socket without addresses
        return False


class BrokerAway(APIException):  # type: ignore[misc]
    status_code = 503
    default_detail = "the broker of tasks is away, nothing was started: try again"
    wait = 2


class RunsView(APIView):  # type: ignore[misc]
    authentication_classes: ClassVar[list[Any]] = [TokenAuthentication, SessionAuthentication]
    permission_classes: ClassVar[list[Any]] = [StaffOrReadOnly]

    @extend_schema(
        operation_id="runs_list",
        tags=["indicators"],
        auth=[],
        responses=responses(200, {"type": "array", "items": RUN_SCHEMA}),
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """The newest hundred computations."""
        listed = ComputationRun.objects.select_related("instrument")[:100]
        return wire.json_response([run_json(run) for run in listed])

    @extend_schema(
        operation_id="runs_create",
        tags=["indicators"],
        request=RunRequest,
        responses=responses(202, RUN_SCHEMA),
    )
    def post(self, request: Any) -> HttpResponse:
        """Compute a measure over every window of a span; answers at once where to look."""
        run = start_asked_run(request.data)
        response = wire.json_response(run_json(run))
        response.status_code = 202
        response["Location"] = f"/api/v1/indicators/runs/{run.pk}/"
        return response


def start_asked_run(data: Mapping[str, Any]) -> ComputationRun:
    """Check, store and start a computation; raise APIException naming what is wrong."""
    asked = RunRequest(data=data)
    asked.is_valid(raise_exception=True)
    wish = asked.validated_data
    instrument = find_instrument(wish["symbol"])
    parameters = checked(find_indicator(wish["indicator"]), wish["parameters"])
    try:
        run = runs.plan_run(
            indicator=wish["indicator"],
            instrument=instrument,
            start=wish["start"],
            end=wish["end"],
            parameters=parameters,
            step=wish["step"],
        )
    except runs.RunRefusedError as error:
        raise ValidationError({"start": [str(error)]}) from error
    try:
        start_run(run)
    except BrokerError as error:
        runs.fail(run.pk, f"the broker was away: {error}")
        raise BrokerAway from error
    return run


class RunView(APIView):  # type: ignore[misc]
    authentication_classes: ClassVar[list[Any]] = [TokenAuthentication, SessionAuthentication]
    permission_classes: ClassVar[list[Any]] = [StaffOrReadOnly]

    @extend_schema(
        operation_id="runs_read",
        tags=["indicators"],
        auth=[],
        responses=responses(200, RUN_SCHEMA),
    )
    def get(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """State, progress and result of a computation."""
        return wire.json_response(run_json(find_run(run_id)))

    @extend_schema(
        operation_id="runs_cancel",
        tags=["indicators"],
        request=None,
        responses=responses(202, RUN_SCHEMA),
    )
    def delete(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Cancel a computation that is not finished; what it stored stays."""
        runs.cancel(find_run(run_id))
        response = wire.json_response(run_json(find_run(run_id)))
        response.status_code = 202
        return response


def find_run(run_id: str) -> ComputationRun:
    try:
        return ComputationRun.objects.select_related("instrument").get(pk=uuid.UUID(run_id))
    except (ValueError, ComputationRun.DoesNotExist):
        raise NotFound(f"there is no computation {run_id!r}") from None


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
