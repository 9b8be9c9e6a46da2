"""Recovery: compare with the venue, apply the remedies, report what is left.

Idempotent: every remedy is a report that is applied once, or a request by client id.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import transaction

from market.times import to_microseconds
from trading import auditlog, journeys
from trading.botdesk import BotDesk
from trading.core.reconciling import (
    Clock,
    Finding,
    Ours,
    Remedy,
    Trouble,
    compare_orders,
    compare_positions,
    find_strangers,
)
from trading.core.reports import ContradictionError
from trading.core.transitions import IllegalTransitionError
from trading.databasecalls import applied, in_thread
from trading.following import IN_FLIGHT
from trading.models import Bot, BotOrder, BotPosition, Recovery
from trading.sending import settle
from trading.tickets import prefix_of
from venues.brokers import BrokerError, OrderSeen

logger = structlog.get_logger(__name__)

IN_FLIGHT_US: Final = IN_FLIGHT // timedelta(microseconds=1)


@dataclass(frozen=True)
class Outcome:
    """A finding and what its remedy came to; `error` where it failed."""

    finding: Finding
    is_open: bool
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        found = asdict(self.finding)
        found["trouble"] = Trouble(found["trouble"]).name.lower()
        found["remedy"] = Remedy(found["remedy"]).name.lower()
        return {**found, "open": self.is_open, "error": self.error}


async def recover(desk: BotDesk, *, actor: str, clock: Callable[[], datetime]) -> Recovery:
    """Bring a bot up to date with its venue; raise BrokerError if the venue cannot be asked."""
    began = clock()
    missed, outcomes = await _count_executions(desk)
    working = await in_thread(desk.working)
    asked_at = clock()
    seen = {order.client_id: await desk.broker.order(order.client_id) for order in working}
    there = [order.client_id for order in await desk.broker.open_orders()]
    findings = [
        *_of_orders(working, seen, asked_at),
        *find_strangers(there, await in_thread(_known, there), prefix_of(desk.bot)),
    ]
    outcomes += [await _remedied(desk, finding, seen, asked_at) for finding in findings]
    seen_positions = await desk.book_funding()
    held = {each.symbol: each.lots for each in seen_positions if each.lots}
    mismatches = compare_positions(await in_thread(_held, desk.bot), held)
    outcomes += [Outcome(finding, is_open=True) for finding in mismatches]
    await in_thread(_restore, desk)
    return await in_thread(
        _store, desk.bot, actor, (began, clock()), (len(working), missed), outcomes
    )


async def _count_executions(desk: BotDesk) -> tuple[int, list[Outcome]]:
    """Count the executions that were missed; return how many, and those that cannot be true."""
    since = await in_thread(desk.follower.counted)
    count = 0
    outcomes: list[Outcome] = []
    for execution in await desk.broker.executions(since):
        try:
            count += await in_thread(applied, desk.follower.execution, execution)
        except (ContradictionError, IllegalTransitionError) as error:
            finding = Finding(
                trouble=Trouble.CONTRADICTION,
                remedy=Remedy.TELL,
                name=execution.client_id,
                text=str(error),
            )
            outcomes.append(Outcome(finding, is_open=True))
    return count, outcomes


def _of_orders(
    working: Sequence[BotOrder], seen: Mapping[str, OrderSeen], now: datetime
) -> list[Finding]:
    ours = [
        Ours(
            client_id=order.client_id,
            life=order.life,
            changed_at=to_microseconds(order.updated_at),
            sent_at=to_microseconds(order.sent_at) if order.sent_at else None,
        )
        for order in working
    ]
    reports = {client_id: each.report for client_id, each in seen.items()}
    moment = Clock(
        now=to_microseconds(now),
        in_flight_us=IN_FLIGHT_US,
        hanging_us=round(settings.TRADING_HANGING_S * 1e6),
    )
    return list(compare_orders(ours, reports, moment))


async def _remedied(
    desk: BotDesk, finding: Finding, seen: Mapping[str, OrderSeen], asked_at: datetime
) -> Outcome:
    """Apply the remedy of a finding about an order."""
    try:
        if finding.trouble is Trouble.NOT_FOUND and finding.remedy is Remedy.APPLY:
            is_over = await in_thread(applied, desk.follower.lost, seen[finding.name], asked_at)
            return Outcome(finding, is_open=not is_over)
        if finding.remedy is Remedy.APPLY:
            await settle(desk.broker, desk.follower, seen[finding.name])
        elif finding.remedy is Remedy.CANCEL:
            await desk.broker.cancel(finding.name)
        else:
            return Outcome(finding, is_open=True)
    except (BrokerError, ContradictionError, IllegalTransitionError) as error:
        return Outcome(finding, is_open=True, error=str(error))
    return Outcome(finding, is_open=False)


def _known(client_ids: Sequence[str]) -> frozenset[str]:
    """Return those client ids that are working orders of any bot."""
    found = BotOrder.objects.working().filter(client_id__in=client_ids)
    return frozenset(found.values_list("client_id", flat=True))


def _held(bot: Bot) -> dict[str, int]:
    """Return the lots that a bot holds, by symbol."""
    live = BotPosition.objects.live().filter(bot=bot).exclude(lots=0)
    return dict(live.values_list("instrument__symbol", "lots"))


def _restore(desk: BotDesk) -> None:
    """Put the machines of the bot, as they are stored, into the registry of this process."""
    for order in desk.working():
        journeys.orders.put(order.pk, order.life)
    for position in BotPosition.objects.live().filter(bot=desk.bot):
        journeys.positions.put(position.pk, position.life)


@transaction.atomic
def _store(
    bot: Bot,
    actor: str,
    between: tuple[datetime, datetime],
    counts: tuple[int, int],
    outcomes: Sequence[Outcome],
) -> Recovery:
    findings = [outcome.as_json() for outcome in outcomes]
    left = sum(outcome.is_open for outcome in outcomes)
    report = Recovery.objects.create(
        bot=bot,
        actor=actor,
        began_at=between[0],
        ended_at=between[1],
        orders=counts[0],
        executions=counts[1],
        findings=findings,
        open_findings=left,
    )
    detail = {"recovery": report.pk, "executions": counts[1], "findings": findings}
    auditlog.append(actor=actor, action="recover", detail=detail, at=between[1], bot=bot.pk)
    if left:
        logger.warning("recovery leaves findings", bot=bot.name, recovery=report.pk, open=left)
    return report
