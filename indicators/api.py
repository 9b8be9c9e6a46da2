"""Measures over HTTP: the catalogue, the estimate now, stored readings, rolling values."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError

from indicators.catalogue import CATALOGUE, Indicator, ParameterError, Value
from indicators.catalogue import parameters_key as key_of
from indicators.estimate import Estimate, RefusedError
from indicators.models import Reading, ReadingQuerySet
from indicators.ondemand import Rolling, estimate_now
from indicators.readers import READERS
from indicators.readings import Measured
from indicators.schemas import CATALOGUE_SCHEMA, ESTIMATE_SCHEMA
from market.times import from_microseconds, to_microseconds
from quotes.http.tables import find_instrument
from web import formats
from web.parameters import Parameters, cursor_text
from web.tables import Page
from web.views import PAGED, HistoryView, read

READING_COLUMNS = (
    "window_end", "value", "low", "high", "null_low", "null_high", "truth", "reason",
)  # fmt: skip
COMMON = {field.name for field in fields(Estimate)}
ROLLING = ("window_end", "value", "truth")


def find_indicator(name: str) -> Indicator:
    if name not in CATALOGUE:
        listed = ", ".join(CATALOGUE)
        raise NotFound(f"there is no indicator {name!r}; there are {listed}")
    return CATALOGUE[name]


def checked(indicator: Indicator, given: Mapping[str, object]) -> dict[str, Value]:
    """Return the parameters; raise ValidationError naming what is wrong."""
    with validation():
        return indicator.read(given)


@contextmanager
def validation() -> Iterator[None]:
    """Raise a ParameterError as ValidationError, which the API answers with 400."""
    try:
        yield
    except ParameterError as error:
        raise ValidationError({error.name: [error.reason]}) from error


def parsed(
    request: HttpRequest, indicator: Indicator, *allowed: str
) -> tuple[Parameters, dict[str, Value]]:
    """Return the checked query and the parameters of the measure in it."""
    own = [parameter.name for parameter in indicator.parameters]
    query = read(request, *own, *allowed)
    given = {name: text for name, text in request.GET.items() if name in own}
    return query, checked(indicator, given)


def described(indicator: Indicator) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(p.name, OpenApiTypes.STR, description=f"{p.help} Default {p.default}.")
        for p in indicator.parameters
    ]


ANY_PARAMETER = list({p.name: p for i in CATALOGUE.values() for p in described(i)}.values())


def responses(status: int, schema: Any) -> dict[tuple[int, str], Any]:
    problems = (400, 401, 403, 404, 429, 503) if status == 202 else (400, 404, 429, 503)
    return {
        (status, "application/json"): schema,
        **{(code, "application/problem+json"): formats.PROBLEM_SCHEMA for code in problems},
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
        return formats.json_response([indicator.described() for indicator in CATALOGUE.values()])


class EstimateView(HistoryView):
    @extend_schema(
        operation_id="indicators_estimate",
        tags=["indicators"],
        parameters=ANY_PARAMETER,
        responses=responses(200, ESTIMATE_SCHEMA),
    )
    def get(self, request: HttpRequest, name: str, symbol: str) -> HttpResponse:
        """The estimate now, with the truth. A value of null comes with its reason.

        Large windows are expensive: few are computed at a time, further ones get 503.
        """
        indicator = find_indicator(name)
        instrument = find_instrument(symbol)
        parameters = checked(indicator, request.GET.dict())
        with validation():
            found = estimate_now(indicator, instrument, parameters)
        return formats.json_response(
            {
                "indicator": name,
                "symbol": symbol,
                "parameters": parameters,
                **estimate_json(found, READERS[indicator.reads].truth_name),
            }
        )


def estimate_json(found: Measured, truth_name: str) -> dict[str, Any]:
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
        "truth": {truth_name: found.truth},
        "details": {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in own.items()
        },
    }


class SeriesView(HistoryView):
    prices = frozenset()

    @formats.documented(
        "indicators_series", ("step", *PAGED), formats.table_schema(READING_COLUMNS)
    )
    def get(self, request: HttpRequest, name: str, symbol: str) -> HttpResponse:
        """Stored readings in ascending order; without `start` the newest `limit`.

        `step`: those whose windows end at its multiples, as in the computation that stored them.
        """
        indicator = find_indicator(name)
        instrument = find_instrument(symbol)
        query, parameters = parsed(request, indicator, "step", *PAGED)
        start, end = query.span()
        after = query.cursor("readings")
        if after is not None:
            start = after * 1000 + 1
        step = query.whole("step", 1, 100_000, 1)
        series = Reading.objects.of(instrument, name, key_of(parameters), step)
        page = stored(series, start, end, query.limit())
        return self.table(
            request,
            instrument,
            READING_COLUMNS,
            page,
            {"indicator": name},
            cursor_text("readings", page.more_after),
        )


def stored(series: ReadingQuerySet, start: int | None, end: int | None, limit: int) -> Page:
    found = series.between(*(None if at is None else from_microseconds(at) for at in (start, end)))
    newest_first = start is None
    ordered = found.order_by("-window_end") if newest_first else found
    rows = [
        (to_microseconds(row[0]) // 1000, *row[1:-1], row[-1] or None)
        for row in ordered.values_list(*READING_COLUMNS)[: limit + 1]
    ]
    more = len(rows) > limit
    rows = rows[:limit]
    if newest_first:
        return Page(rows[::-1], None)
    return Page(rows, rows[-1][0] if more else None)


class RollingView(HistoryView):
    @formats.documented(
        "indicators_rolling", ["step", "start", "end", "format"], formats.table_schema(ROLLING)
    )
    def get(self, request: HttpRequest, name: str, symbol: str) -> HttpResponse:
        """The measure over all windows that end in a span, `step` points apart, computed now.

        Where there is no row, `reason` says why. At most the newest 10,000 windows, and no more
        work than docs/indicators.md allows; for more, or to store them, start a computation.
        Few expensive requests are computed at a time, further ones get 503.
        """
        indicator = find_indicator(name)
        instrument = find_instrument(symbol)
        query, parameters = parsed(request, indicator, "step", "start", "end", "format")
        step = query.whole("step", 1, 100_000, 1)
        start, end = query.span()
        rows, reason = [], None
        try:
            with validation():
                rows = Rolling(indicator, instrument, parameters, step, start, end).rows()
        except RefusedError as error:
            reason = str(error)
        extra = {
            "indicator": name,
            "reason": reason,
            "null_value": indicator.null_value,
            "null_band": indicator.band(parameters),
        }
        return self.table(request, instrument, ROLLING, Page(rows, None), extra)
