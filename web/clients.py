"""Whether the client of the current request is still connected, for views that compute."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus

from rest_framework.exceptions import APIException

_gone: ContextVar[threading.Event | None] = ContextVar("gone", default=None)


class ClientGone(APIException):  # type: ignore[misc]  # REST framework ships no types
    """The client disconnected: no response is needed."""

    status_code = HTTPStatus.REQUEST_TIMEOUT
    default_detail = "the client disconnected"


@contextmanager
def client_of_request(gone: threading.Event) -> Iterator[None]:
    """Make `check_client` raise in this context once `gone` is set."""
    token = _gone.set(gone)
    try:
        yield
    finally:
        _gone.reset(token)


def check_client() -> None:
    """Raise ClientGone after the client of this request disconnected."""
    gone = _gone.get()
    if gone is not None and gone.is_set():
        raise ClientGone
