"""Appends to the audit log: a chain in which each entry's hash covers the one before it.

An entry belongs in the transaction of what it describes, as its last statement: from then on until
the commit, every other append waits.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from django.db import transaction
from django.db.models import F

from market.times import to_microseconds
from trading.models import AuditEntry, AuditHead
from trading.models.log import HEAD
from trading.tracing import trace_id

COVERED: Final = ("seq", "actor", "action", "bot", "trace_id", "detail", "previous")


@transaction.atomic
def append(
    *, actor: str, action: str, detail: Mapping[str, Any], at: datetime, bot: int = 0
) -> AuditEntry:
    """Append an entry; `detail` must be JSON: numbers that must stay exact are texts."""
    head = _locked_head()
    entry = AuditEntry(
        seq=head.seq,
        at=at,
        actor=actor,
        action=action,
        bot=bot,
        trace_id=trace_id(),
        detail=orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode(),
        previous=head.hash,
    )
    entry.hash = entry_hash(entry)
    entry.save(force_insert=True)
    AuditHead.objects.filter(pk=HEAD).update(hash=entry.hash)
    return entry


def _locked_head() -> AuditHead:
    """Count one more entry, which locks the head; return it with the hash of the entry before."""
    if not AuditHead.objects.filter(pk=HEAD).update(seq=F("seq") + 1):
        AuditHead.objects.get_or_create(pk=HEAD)
        AuditHead.objects.filter(pk=HEAD).update(seq=F("seq") + 1)
    return AuditHead.objects.get(pk=HEAD)


def entry_hash(entry: AuditEntry) -> str:
    """Return the SHA-256 of an entry, in hexadecimal digits."""
    covered = [to_microseconds(entry.at), *(getattr(entry, name) for name in COVERED)]
    return hashlib.sha256(orjson.dumps(covered)).hexdigest()
