"""Where sealed credentials wait for the task that authenticates.

The text is in the cache, which deletes it when it expires; its key is a row of the database.
Opening it needs both, and SECRET_KEY.
"""

import time
import uuid
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.cache import caches
from django.utils import timezone

from venues.gateway.credentials import (
    LASTS_S,
    Credentials,
    CredentialsGoneError,
    Sealed,
    seal,
    unseal,
)
from venues.gateway.models import SealingKey

CACHE = "gateway"
BATCH: Final = 1_000
"""Expired credentials per statement: after an outage there may be many."""


def keep(credentials: Credentials) -> str:
    """Seal credentials; return the handle with which `take` finds them until they expire."""
    sealed, handle = seal(credentials, settings.SECRET_KEY, int(time.time())), uuid.uuid4().hex
    expires_at = timezone.now() + timedelta(seconds=LASTS_S)
    SealingKey.objects.create(handle=handle, key=sealed.key, expires_at=expires_at)
    caches[CACHE].set(f"sealed:{handle}", sealed.text, LASTS_S)
    return handle


def take(handle: str) -> Credentials:
    """Return credentials and delete them; raise CredentialsGoneError."""
    text = caches[CACHE].get(f"sealed:{handle}")
    caches[CACHE].delete(f"sealed:{handle}")
    row = SealingKey.objects.filter(pk=handle).first()
    if row is not None:
        row.delete()
    if row is None or text is None:
        raise CredentialsGoneError(f"the credentials are older than {LASTS_S} s: connect again")
    return unseal(Sealed(text, bytes(row.key)), settings.SECRET_KEY, int(time.time()))


def purge() -> int:
    """Delete what is left of expired credentials; return how many there were."""
    keys = SealingKey.objects.filter(expires_at__lt=timezone.now())
    count = 0
    while expired := list(keys.values_list("handle", flat=True)[:BATCH]):
        caches[CACHE].delete_many([f"sealed:{handle}" for handle in expired])
        count += SealingKey.objects.filter(handle__in=expired).delete()[0]
    return count
