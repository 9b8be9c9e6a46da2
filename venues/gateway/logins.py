"""Logins of users: the venue checks their credentials, at most once in 27 hours."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.core.cache import caches
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from venues.deribit.client.errors import RefusedError, UnavailableError, VenueError
from venues.deribit.client.pacing import QueueFullError
from venues.gateway import vault
from venues.gateway.credentials import Credentials, CredentialsGoneError
from venues.gateway.models import Connection, ConnectionState, Person
from venues.gateway.pool import Pool
from venues.gateway.publishing import announce
from venues.gateway.running import current_gateway

logger = structlog.get_logger(__name__)

CACHED_S: Final = 27 * 3_600
LOGIN_LASTS_S: Final = 15.0
"""From the request of a user to the end of the login, however it ends."""
BATCH: Final = 1_000
"""Lost logins per statement: after an outage there may be many."""
LOST: Final = f"the login was not finished within {LOGIN_LASTS_S:.0f} s: connect again"


def authenticate(handle: str, connection_id: int) -> ConnectionState:
    """Log a connection in with the credentials behind a handle; store what became of it."""
    reason, person = "", None
    try:
        person = proved(vault.take(handle), seconds_left(connection_id))
        state = ConnectionState.OPEN
    except (RefusedError, CredentialsGoneError) as error:
        state, reason = ConnectionState.REFUSED, str(error)
    except (VenueError, QueueFullError) as error:
        state, reason = ConnectionState.UNAVAILABLE, str(error)
    except Exception:  # an error of ours: the user must not wait for ever
        logger.exception("login failed", connection=connection_id)
        state, reason = ConnectionState.UNAVAILABLE, "the login failed: try again"
    pending = Connection.objects.filter(pk=connection_id, state=ConnectionState.PENDING)
    pending.update(state=state, reason=reason[:300], person=person)
    announce([connection_id])
    logger.info("login at the venue", connection=connection_id, state=state, reason=reason)
    return state


def seconds_left(connection_id: int) -> float:
    """Return how long the login of a connection may take yet; raise UnavailableError."""
    opened_at = Connection.objects.filter(pk=connection_id).values_list("opened_at", flat=True)
    age_s = max(((timezone.now() - each).total_seconds() for each in opened_at), default=0.0)
    if age_s >= LOGIN_LASTS_S:
        raise UnavailableError(LOST)
    return LOGIN_LASTS_S - age_s


def give_up() -> int:
    """End logins whose task was lost; return how many there were."""
    since = timezone.now() - timedelta(seconds=LOGIN_LASTS_S)
    late = Connection.objects.filter(state=ConnectionState.PENDING, opened_at__lte=since)
    count = 0
    while lost := list(late.values_list("pk", flat=True)[:BATCH]):
        found = Connection.objects.filter(pk__in=lost, state=ConnectionState.PENDING)
        count += found.update(state=ConnectionState.UNAVAILABLE, reason=LOST)
        announce(lost)
    return count


def proved(credentials: Credentials, limit_s: float = LOGIN_LASTS_S) -> Person:
    """Return whose credentials these are; raise VenueError or QueueFullError."""
    key = fingerprint(credentials.client_id)
    proof = digest("secret", f"{credentials.client_id}\0{credentials.client_secret}")
    known = caches[vault.CACHE].get(f"login:{key}")
    if known is not None and constant_time_compare(known["proof"], proof):
        return person_of(key, known["account"], timezone.now())
    account = current_gateway().run(lambda pool: log_in(pool, credentials, limit_s))
    now = timezone.now()
    login = {"proof": proof, "account": account, "at": now}
    caches[vault.CACHE].set(f"login:{key}", login, CACHED_S)
    return person_of(key, account, now)


async def log_in(pool: Pool, credentials: Credentials, limit_s: float) -> str:
    """Authenticate on a client of its own, with which the token dies; return the account's name.

    Raise VenueError or QueueFullError.
    """
    grant: Mapping[str, Any] = {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
    }
    try:
        async with asyncio.timeout(limit_s), pool.taking() as client:
            await pool.call_on(client, "public/auth", grant)
            summary = await pool.call_on(
                client, "private/get_account_summary", {"currency": "USDC", "extended": True}
            )
    except TimeoutError:
        raise UnavailableError(LOST) from None
    return str(summary.get("username") or summary.get("system_name") or summary.get("id"))[:100]


def person_of(key: str, account: str, now: datetime) -> Person:
    return Person.objects.get_or_create(
        fingerprint=key, defaults={"account": account, "last_login_at": now}
    )[0]


def store_persons() -> int:
    """Store the cached logins of all persons; delete what has expired; return how many changed."""
    changed = 0
    for person in Person.objects.all().iterator():
        login = caches[vault.CACHE].get(f"login:{person.fingerprint}")
        if login is not None and login["at"] > person.last_login_at:
            person.account, person.last_login_at = login["account"], login["at"]
            person.save(update_fields=["account", "last_login_at"])
            changed += 1
    vault.purge()
    Connection.objects.filter(expires_at__lt=timezone.now()).delete()
    return changed


def fingerprint(client_id: str) -> str:
    return digest("client", client_id)


def digest(purpose: str, text: str) -> str:
    """Return an HMAC with SECRET_KEY, which does not reveal the text."""
    return salted_hmac(f"venues.gateway.{purpose}", text, algorithm="sha256").hexdigest()


def expiry() -> datetime:
    return timezone.now() + timedelta(seconds=CACHED_S)
