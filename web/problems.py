"""Errors of the API as RFC 9457 problem details."""

from http import HTTPStatus
from typing import Any

import orjson
import structlog
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions

logger = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, errors: Any = None) -> HttpResponse:
    """Return a response with problem details; `errors`: parameter -> reasons."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors is not None:
        body["errors"] = errors
    return HttpResponse(orjson.dumps(body, default=str), status=status, content_type=MEDIA_TYPE)


class DatabaseUnavailable(exceptions.APIException):  # type: ignore[misc]  # REST framework ships no types
    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = "the database is unavailable: try again"
    wait = 2


def database_unavailable() -> HttpResponse:
    """Return the answer to a request that could not reach the database."""
    response = problem(DatabaseUnavailable.status_code, DatabaseUnavailable.default_detail)
    response["Retry-After"] = str(DatabaseUnavailable.wait)
    return response


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer what Django REST framework raises; leave the unexpected to Django."""
    if isinstance(error, Http404):
        error = exceptions.NotFound(str(error) or None)
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, (OperationalError, InterfaceError)):
        logger.warning("database unavailable", error=str(error))
        error = DatabaseUnavailable()
    if not isinstance(error, exceptions.APIException):
        return None
    if isinstance(error.detail, dict):
        reasons = "; ".join(
            f"{name}: {' '.join(map(str, listed if isinstance(listed, list) else [listed]))}"
            for name, listed in error.detail.items()
        )
        response = problem(error.status_code, reasons, error.detail)
    else:
        listed = error.detail if isinstance(error.detail, list) else [error.detail]
        response = problem(error.status_code, " ".join(map(str, listed)))
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(max(1, int(wait)))
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    return response
