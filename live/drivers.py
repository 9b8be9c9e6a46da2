"""Whether a source drives an instrument now, according to its lease."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from instruments.models import Instrument
from journal.leases import is_alive
from journal.models import Lease
from market.states import State


def states(symbols: Iterable[str]) -> dict[str, State]:
    """Return the state of each of these instruments."""
    instruments = Instrument.objects.filter(symbol__in=list(symbols))
    leases = {lease.instrument_id: lease for lease in Lease.objects.all()}
    return {each.symbol: state(leases.get(each.pk)) for each in instruments}


def state(lease: Lease | None) -> State:
    if lease is None:
        return "stopped"
    ttl = timedelta(seconds=settings.LEASE_TTL_S)
    return "live" if is_alive(lease, timezone.now(), ttl) else "stopped"
