"""Leases: at most one process writes the streams of an instrument."""

import os
import secrets
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from instruments.models import Instrument
from journal.models import Lease


class LeaseHeldError(RuntimeError):
    """Another process holds the lease of the instrument."""


class LeaseLostError(RuntimeError):
    """The lease expired and another process took it."""


def new_holder() -> str:
    """Return a name for this process: HOST:PID:random."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def acquire(instruments: Sequence[Instrument], holder: str, ttl: timedelta) -> None:
    """Take the leases of all `instruments`, or raise LeaseHeldError and take none.

    One UPDATE takes a lease, on the condition that the row has not changed since it was read as
    free. If two processes read the same expired lease, one takes it and the other raises.
    """
    now = timezone.now()
    ordered = sorted(instruments, key=lambda instrument: instrument.pk)  # no deadlocks
    with transaction.atomic():
        Lease.objects.bulk_create(
            [Lease(instrument=i, holder=holder, acquired_at=now, renewed_at=now) for i in ordered],
            ignore_conflicts=True,
        )
        for instrument in ordered:
            _take(instrument, holder, now, ttl)


def _take(instrument: Instrument, holder: str, now: datetime, ttl: timedelta) -> None:
    seen = Lease.objects.get(pk=instrument.pk)
    if seen.holder == holder:
        return
    if is_alive(seen, now, ttl):
        raise held(seen)
    take_if_unchanged(seen, holder, now)


def take_if_unchanged(seen: Lease, holder: str, now: datetime) -> None:
    """Take a free lease; raise LeaseHeldError if it changed since it was read as `seen`."""
    unchanged = Lease.objects.filter(pk=seen.pk, holder=seen.holder, renewed_at=seen.renewed_at)
    if not unchanged.update(holder=holder, acquired_at=now, renewed_at=now):
        seen.refresh_from_db()
        raise held(seen)


def held(lease: Lease) -> LeaseHeldError:
    return LeaseHeldError(
        f"{lease.instrument.symbol} has been driven by {lease.holder} since "
        f"{lease.acquired_at:%Y-%m-%d %H:%M:%S} UTC: stop that process first"
    )


def is_alive(lease: Lease, now: datetime, ttl: timedelta) -> bool:
    """Return whether the lease was renewed within `ttl` and its holder is not known to be dead."""
    host, pid, _ = lease.holder.rsplit(":", 2)
    if host == socket.gethostname() and not _process_exists(int(pid)):
        return False
    return now - lease.renewed_at < ttl


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def renew(instruments: Sequence[Instrument], holder: str) -> None:
    """Renew our leases; raise LeaseLostError if we no longer hold one of them."""
    ours = Lease.objects.filter(instrument__in=instruments, holder=holder)
    if ours.update(renewed_at=timezone.now()) < len(instruments):
        raise LeaseLostError(
            f"{holder} lost the lease of an instrument to another process: stop one of the two"
        )


def of_others(holder: str) -> list[Lease]:
    """Return the leases that other processes hold."""
    now, ttl = timezone.now(), timedelta(seconds=settings.LEASE_TTL_S)
    others = Lease.objects.exclude(holder=holder).select_related("instrument")
    return [lease for lease in others if is_alive(lease, now, ttl)]


def release(holder: str) -> None:
    Lease.objects.filter(holder=holder).delete()
