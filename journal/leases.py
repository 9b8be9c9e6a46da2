"""Leases: at most one process drives an instrument."""

import os
import secrets
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from instruments.models import Instrument
from quotes.models import Lease


class LeaseHeldError(RuntimeError):
    """Another process drives the instrument."""


class LeaseLostError(RuntimeError):
    """The lease ran out while we were away and somebody else took it."""


def new_holder() -> str:
    """Return a name for this process: HOST:PID:random."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def acquire(instruments: Sequence[Instrument], holder: str, ttl: timedelta) -> None:
    """Take the leases of all `instruments` or raise LeaseHeldError and take none."""
    now = timezone.now()
    with transaction.atomic():
        leases = Lease.objects.select_for_update().filter(instrument__in=instruments)
        held = {lease.instrument_id: lease for lease in leases}
        for instrument in instruments:
            lease = held.get(instrument.pk)
            if lease is not None and is_alive(lease, now, ttl):
                raise LeaseHeldError(
                    f"{instrument.symbol} is driven by {lease.holder} since "
                    f"{lease.acquired_at:%Y-%m-%d %H:%M:%S} UTC: stop that process first"
                )
        Lease.objects.filter(instrument__in=instruments).delete()
        Lease.objects.bulk_create(
            Lease(instrument=instrument, holder=holder, acquired_at=now, renewed_at=now)
            for instrument in instruments
        )


def is_alive(lease: Lease, now: datetime, ttl: timedelta) -> bool:
    """Tell whether the holder still counts: renewed within `ttl`, and not known to be dead."""
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
    """Renew our leases; raise LeaseLostError when one of them is no longer ours."""
    ours = Lease.objects.filter(instrument__in=instruments, holder=holder)
    if ours.update(renewed_at=timezone.now()) < len(instruments):
        raise LeaseLostError(f"{holder} lost the lease of an instrument to another process")


def release(holder: str) -> None:
    Lease.objects.filter(holder=holder).delete()
