"""Connections of users: opened with credentials, found by the token in their addresses."""

import secrets
import threading
import time
from typing import Final

from django.conf import settings
from django.utils import timezone

from venues.gateway import vault
from venues.gateway.credentials import Credentials
from venues.gateway.logins import LOGIN_LASTS_S, digest, expiry, give_up
from venues.gateway.models import Connection, ConnectionState

ANSWER_S: Final = 8.0
"""How long `opened` waits for the login."""
POLL_S: Final = 0.1
_waits: Final = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 4))
"""Requests that wait for a login at the same time: each occupies a thread of the web process."""


def opened(credentials: Credentials) -> tuple[Connection, str]:
    """Open a connection; return it as it is when the login has ended, or still pending."""
    from venues.gateway.tasks import authenticate  # with Celery, which takes long to import

    token = secrets.token_urlsafe(32)
    connection = Connection.objects.create(digest=digest("token", token), expires_at=expiry())
    authenticate.delay(vault.keep(credentials), connection.pk)
    connection.refresh_from_db()
    if _waits.acquire(blocking=False):
        try:
            wait(connection)
        finally:
            _waits.release()
    return connection, token


def wait(connection: Connection) -> None:
    """Wait until a login has ended, or ANSWER_S."""
    until = time.monotonic() + ANSWER_S
    while connection.state == ConnectionState.PENDING and time.monotonic() < until:
        time.sleep(POLL_S)
        connection.refresh_from_db()


def find(token: str) -> Connection | None:
    """Return the connection with a token that has not expired."""
    valid = Connection.objects.filter(digest=digest("token", token), expires_at__gt=timezone.now())
    found = valid.select_related("person").first()
    if found is not None and is_lost(found):
        give_up()
        found.refresh_from_db()
    return found


def is_lost(connection: Connection) -> bool:
    """Return whether the task of a login did not finish in time."""
    age = timezone.now() - connection.opened_at
    return connection.state == ConnectionState.PENDING and age.total_seconds() >= LOGIN_LASTS_S
