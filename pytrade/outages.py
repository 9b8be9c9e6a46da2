"""Pages while the database is unavailable: 503 instead of 500."""

from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from pytrade.access import FOR_PROGRAMS
from web.problems import DatabaseUnavailable, problem

logger = structlog.get_logger(__name__)


class OutageMiddleware:
    """Answers requests that failed on the database; API views do so themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, (OperationalError, InterfaceError)):
            return None
        logger.warning("database unavailable", path=request.path, error=str(error).strip())
        status = HTTPStatus.SERVICE_UNAVAILABLE
        if FOR_PROGRAMS.match(request.path):
            response = problem(status, DatabaseUnavailable.default_detail)
        else:  # without the request: reading its user may need the database
            response = HttpResponse(render_to_string("503.html"), status=status)
        response["Retry-After"] = str(DatabaseUnavailable.wait)
        return response
