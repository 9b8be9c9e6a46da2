"""Connections of users: opened with credentials, found by the token in their addresses."""

import secrets
import time
from typing import Final

from django.utils import timezone

from venues.gateway import vault
from venues.gateway.credentials import Credentials
from venues.gateway.logins import digest, expiry
from venues.gateway.models import Connection, ConnectionState
from venues.gateway.tasks import authenticate

ANSWER_S: Final = 8.0
"""How long `opened` waits for the login."""
POLL_S: Final = 0.1


def opened(credentials: Credentials) -> tuple[Connection, str]:
    """Open a connection; return it as it is when the login has ended, or still pending."""
    token = secrets.token_urlsafe(32)
    connection = Connection.objects.create(digest=digest("token", token), expires_at=expiry())
    authenticate.delay(vault.keep(credentials), connection.pk)
    until = time.monotonic() + ANSWER_S
    connection.refresh_from_db()
    while connection.state == ConnectionState.PENDING and time.monotonic() < until:
        time.sleep(POLL_S)
        connection.refresh_from_db()
    return connection, token


def find(token: str) -> Connection | None:
    """Return the connection with a token that has not expired."""
    return (
        Connection.objects.filter(digest=digest("token", token), expires_at__gt=timezone.now())
        .select_related("person")
        .first()
    )
