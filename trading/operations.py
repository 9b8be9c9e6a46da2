"""Idempotency: an operation is carried out once, and every repeat gets its first result.

The first attempt claims the operation by inserting its record, which only one can. Repeats wait
for its result. If the process of the first attempt dies, its claim expires and a repeat takes over.
The operation itself must therefore be harmless when it begins again, as sending an order is under a
client id that the venue knows.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from trading.models import IdempotencyRecord

KEPT: Final = timedelta(minutes=60)
BRIEFLY: Final = timedelta(seconds=5)
"""As long as repeats wait: for operations that may have changed nothing, and be tried again."""
CLAIM: Final = timedelta(seconds=30)
"""An attempt that takes longer is taken for dead. Venues answer or time out sooner."""
POLL_S: Final = 0.02


class OtherParametersError(ValueError):
    """The key named an operation with other parameters before."""


class StillRunningError(TimeoutError):
    """The first attempt has no result yet: ask again."""


def digest_of(operation: str, parameters: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an operation and its parameters, whatever their order."""
    text = orjson.dumps([operation, parameters], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()


def once(
    *,
    scope: str,
    operation: str,
    parameters: Mapping[str, Any],
    carry_out: Callable[[], Any],
    key: str = "",
    wait_s: float = 5.0,
    kept: timedelta = KEPT,
    clock: Callable[[], datetime] = timezone.now,
) -> Any:
    """Return the result of an operation, which is carried out unless it was before.

    `key` names it, by default the hash of its parameters: then equal parameters are the same
    operation while its result is `kept`. The result must be JSON. An error is not a result: the
    operation may be tried again at once. Call it outside of transactions, or nobody sees the claim.
    Raise OtherParametersError or StillRunningError.
    """
    digest = digest_of(operation, parameters)
    record, is_mine = _claimed(scope, key or digest, digest, clock())
    if record.digest != digest:
        raise OtherParametersError(
            f"key {key!r} named another operation, or other parameters, before: use a new key"
        )
    if not is_mine:
        return _awaited(record, wait_s)
    try:
        result = carry_out()
    except BaseException:
        _own(record).update(claimed_until=clock())
        raise
    _own(record).update(done=True, result=result, expires_at=clock() + kept)
    return result


def forget_expired(now: datetime) -> int:
    """Delete the records whose time is over; return how many."""
    return (
        IdempotencyRecord.objects.expired(now)
        .filter(Q(done=True) | Q(claimed_until__lte=now))
        .delete()[0]
    )


def _claimed(scope: str, key: str, digest: str, now: datetime) -> tuple[IdempotencyRecord, bool]:
    """Return the record of an operation, and whether this attempt must carry it out."""
    named = IdempotencyRecord.objects.filter(scope=scope, key=key)
    found = named.first()
    if found is not None and found.done and found.expires_at > now:
        return found, False  # repeats write nothing
    fresh = {"digest": digest, "claimed_until": now + CLAIM, "expires_at": now + KEPT}
    try:
        with transaction.atomic():
            return IdempotencyRecord.objects.create(scope=scope, key=key, **fresh), True
    except IntegrityError:
        known = named.get()
    # One conditional UPDATE: of several repeats, one takes over.
    if known.expires_at <= now and (known.done or known.claimed_until <= now):
        free = Q(expires_at=known.expires_at, claimed_until=known.claimed_until)
        fresh |= {"done": False, "result": None}
    else:
        free = Q(done=False, digest=digest, claimed_until__lte=now)
    taken = named.filter(free).update(**fresh)
    return named.get(), bool(taken)


def _own(record: IdempotencyRecord) -> Any:
    """Return the record unless another attempt has taken it over."""
    return IdempotencyRecord.objects.filter(
        pk=record.pk, done=False, claimed_until=record.claimed_until
    )


def _awaited(record: IdempotencyRecord, wait_s: float) -> Any:
    """Return the result of another attempt; raise StillRunningError."""
    until = time.monotonic() + wait_s
    while not record.done:
        if time.monotonic() >= until:
            raise StillRunningError(
                f"the first attempt of {record.key} has run for more than {wait_s:g} s: ask again"
            )
        time.sleep(POLL_S)
        record.refresh_from_db()
    return record.result
