"""A limit on concurrent expensive requests, which keeps threads free for cheap ones."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from rest_framework.exceptions import APIException

from web.clients import check_client

LOOK_S = 0.2


class Busy(APIException):  # type: ignore[misc]  # REST framework ships no types
    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = (
        "this process is already computing as many expensive requests as it accepts: try again, "
        "or request less"
    )
    wait = 2


class ConcurrencyLimit:
    """Up to `running` requests compute at a time; up to `waiting` more wait."""

    def __init__(self, running: int, waiting: int) -> None:
        self._free = threading.Semaphore(running)
        self._places = threading.Semaphore(running + waiting)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a slot and hold it; raise Busy where too many wait, or ClientGone."""
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            while not self._free.acquire(timeout=LOOK_S):
                check_client()
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._places.release()
