"""Audits of bots: the log is the chain that was appended, machines are where their histories end.

Registered with `manage.py audit`.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from django.db import connection
from django.db.models import Count, F, Max, Sum

from archive import auditing
from archive.auditing import Report
from archive.database import fetch
from trading.auditlog import entry_hash
from trading.core.orderstates import ORDER_TABLE, OrderEvent, OrderState
from trading.core.positionstates import POSITION_TABLE, PositionEvent, PositionState
from trading.models import AuditEntry, AuditHead, BotOrder, BotPosition, Transition
from trading.models.log import BEGINNING, HEAD

TRIGGERS: Final = {
    "sqlite": "SELECT count(*) FROM sqlite_master "
    "WHERE type = 'trigger' AND tbl_name = 'trading_auditentry'",
    "postgresql": "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'trading_auditentry'::regclass "
    "AND NOT tgisinternal AND tgenabled <> 'D'",
}
PROTECTING: Final = 2
LEGAL_ORDERS: Final = set(ORDER_TABLE)
LEGAL_POSITIONS: Final = set(POSITION_TABLE)


def register() -> None:
    """Add the audits of bots to `manage.py audit`."""
    auditing.register_for_all("audit log", audit_log)
    auditing.register_for_all("bots", audit_bots)


def audit_log(report: Report) -> None:
    """Check that the log is one chain without holes up to its head, and can only grow."""
    if (triggers := count_triggers()) != PROTECTING:
        report.note(f"{triggers} of {PROTECTING} triggers keep the log from being changed")
    head = AuditHead.objects.filter(pk=HEAD).first() or AuditHead()
    seq, previous = 0, BEGINNING
    for entry in AuditEntry.objects.filter(seq__lte=head.seq).order_by("seq").iterator():
        report.counts["audit_entries"] += 1
        for text in broken(entry, seq, previous):
            report.note(text)
        seq, previous = entry.seq, entry.hash
    if (seq, previous) != (head.seq, head.hash):
        report.note(f"the log ends at entry {seq}, its head says {head.seq}, or another hash")


def count_triggers() -> int:
    """Return how many triggers of the audit log are in force."""
    ((found,),) = fetch(TRIGGERS[connection.vendor], ())
    return int(found)


def broken(entry: AuditEntry, seq: int, previous: str) -> Iterator[str]:
    """Return what is wrong with an entry that follows entry `seq` with the hash `previous`."""
    if entry.seq != seq + 1:
        yield f"entry {seq} is followed by {entry.seq}: what was between them is missing"
    elif entry.previous != previous:
        yield f"entry {entry.seq} does not continue entry {seq}"
    if entry.hash != entry_hash(entry):
        yield f"entry {entry.seq} was changed: its hash is not that of its content"


def audit_bots(report: Report) -> None:
    """Check orders and positions against their transitions and fills."""
    report.counts["bot_orders"] = BotOrder.objects.count()
    report.counts["bot_positions"] = BotPosition.objects.count()
    for text in (*orders(), *positions(), *transitions()):
        report.note(text)


def orders() -> Iterable[str]:
    """Orders have as many transitions as their version says, and fills for what is filled."""
    history = BotOrder.objects.annotate(
        count=Count("transitions"), newest=Max("transitions__version", default=0)
    )
    torn = history.exclude(count=F("version"), newest=F("version"))
    for key, version, count in torn.values_list("pk", "version", "count"):
        yield f"order {key} has version {version}, and {count} transitions"
    counted = BotOrder.objects.annotate(sum=Sum("fills__lots", default=0))
    for key, filled, total in counted.exclude(sum=F("filled")).values_list("pk", "filled", "sum"):
        yield f"order {key} is filled by {filled} lots, its fills have {total}"


def positions() -> Iterable[str]:
    """Positions are the sums of their fills, in lots and in money."""
    signed = Sum(F("fills__order__side") * F("fills__lots"), default=0)
    found = BotPosition.objects.annotate(
        sum=signed,
        profit=Sum("fills__realised", default=0),
        paid=Sum("fills__fee", default=0),
    )
    torn = found.exclude(sum=F("lots"), profit=F("realised"), paid=F("fees"))
    names = ("pk", "lots", "realised", "fees", "sum", "profit", "paid")
    for key, lots, realised, fees, total, profit, paid in torn.values_list(*names):
        yield (
            f"position {key} has {lots:+d} lots, {realised} realised and {fees} fees; "
            f"its fills have {total:+d}, {profit} and {paid}"
        )
    funded = BotPosition.objects.alias(count=Count("payments")).filter(count__gt=0)
    for key, booked, listed in (
        funded.annotate(listed=Sum("payments__amount"))
        .exclude(funding=F("listed"))
        .values_list("pk", "funding", "listed")
    ):
        yield f"position {key} has {booked} funding, its payments are {listed}"


def transitions() -> Iterator[str]:
    """Every transition is one of the table, and begins where the one before it ended."""
    ends: dict[tuple[int | None, int | None], int] = {}
    for row in Transition.objects.order_by("order", "position", "version").iterator():
        key = (row.order_id, row.position_id)
        if row.source != ends.get(key, 0):
            yield f"{row} does not begin where the one before it ended"
        if not is_legal(row):
            yield f"{row} is not in the table"
        ends[key] = row.target


def is_legal(row: Transition) -> bool:
    """Return whether the table of its machine has a transition."""
    if row.order_id is not None:
        step = (OrderState(row.source), OrderEvent(row.event), OrderState(row.target))
        return step in LEGAL_ORDERS
    change = (PositionState(row.source), PositionEvent(row.event), PositionState(row.target))
    return change in LEGAL_POSITIONS
