"""What is at risk in the accounts of bots, as risk rules look at it.

Positions and working orders are our rows; marks are the newest quotes; equity is what the venue
said at the last heartbeat.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from django.db.models import Count, F, Q, QuerySet, Sum

from exchange.accounts.loading import marks, tick_value
from instruments.models import Instrument
from quotes.models import Candle
from trading.core.positionstates import PositionState
from trading.core.risk.correlations import correlations
from trading.core.risk.limits import Limits
from trading.core.risk.portfolio import Exposure, Portfolio, Record
from trading.models import Bot, BotOrder, BotPosition, KillSwitch

T = TypeVar("T", BotPosition, BotOrder)

MINUTE_S: Final = 60
MINUTES: Final = 120
"""Of returns from which correlations are estimated."""


def portfolio_of(bot: Bot, limits: Limits, without: BotOrder | None = None) -> Portfolio:
    """Return what one bot has at risk, leaving out an order that is to be replaced."""
    return _portfolio(
        BotPosition.objects.filter(bot=bot),
        _without(without).filter(bot=bot),
        Bot.objects.filter(pk=bot.pk),
        limits,
        is_killed=KillSwitch.objects.stops(bot),
    )


def portfolio_of_all(limits: Limits, without: BotOrder | None = None) -> Portfolio:
    """Return what all bots have at risk together, leaving out an order that is to be replaced."""
    return _portfolio(
        BotPosition.objects.all(),
        _without(without),
        Bot.objects.all(),
        limits,
        is_killed=KillSwitch.objects.on().filter(bot=None).exists(),
    )


def exposures_of(bots: Sequence[Bot]) -> dict[int, Portfolio]:
    """Return what each of some bots has at risk, by key, with as few queries as for one.

    Without correlations and the record of trades.
    """
    held = _of_each(BotPosition.objects.live().filter(bot__in=bots))
    working = _of_each(BotOrder.objects.working().filter(bot__in=bots, reduce_only=False))
    killed = set(KillSwitch.objects.on().values_list("bot", flat=True))
    traded = {each.instrument_id for rows in held.values() for each in rows}
    wanted = {each.instrument_id for rows in working.values() for each in rows}
    at = marks(traded | wanted)
    return {
        bot.pk: Portfolio(
            equity=bot.equity,
            peak=bot.peak,
            exposures=_exposures(held[bot.pk], working[bot.pk], at),
            correlations={},
            record=Record(),
            is_killed=not killed.isdisjoint((None, bot.pk)),
        )
        for bot in bots
    }


def _of_each(rows: "QuerySet[T]") -> dict[int, list[T]]:
    """Return rows by the key of their bot."""
    found: dict[int, list[T]] = defaultdict(list)
    for row in rows.select_related("instrument"):
        found[row.bot_id].append(row)
    return found


def _without(order: BotOrder | None) -> "QuerySet[BotOrder]":
    everyones = BotOrder.objects.all()
    return everyones if order is None else everyones.exclude(pk=order.pk)


def _portfolio(
    positions: "QuerySet[BotPosition]",
    orders: "QuerySet[BotOrder]",
    bots: "QuerySet[Bot]",
    limits: Limits,
    *,
    is_killed: bool,
) -> Portfolio:
    held = list(positions.live().select_related("instrument"))  # type: ignore[attr-defined]  # methods of its QuerySet
    working = list(
        orders.working().filter(reduce_only=False).select_related("instrument")  # type: ignore[attr-defined]  # methods of its QuerySet
    )
    instruments = {each.instrument_id: each.instrument for each in [*held, *working]}
    equity, peak = _money(bots)
    closes = {}
    if limits.max_correlated_ppm is not None:
        closes = {each.symbol: _closes(each) for each in instruments.values()}
    return Portfolio(
        equity=equity,
        peak=peak,
        exposures=_exposures(held, working, marks(instruments)),
        correlations=correlations(closes),
        record=record_of(positions) if limits.kelly_cap_ppm is not None else Record(),
        is_killed=is_killed,
    )


def _exposures(
    held: Iterable[BotPosition],
    working: Iterable[BotOrder],
    at: Mapping[int, int],
) -> dict[str, Exposure]:
    """Return what is held and wanted in each instrument; `at`: the marks."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_PARTS, 0))
    for position in held:
        value = position.lots * _unit(position.instrument, at)
        sums[position.instrument.symbol]["position"] += value
        sums[position.instrument.symbol]["risk"] += abs(value)
    for order in working:
        price = order.ticks or at.get(order.instrument_id, 0)
        value = (order.lots - order.filled) * price * tick_value(order.instrument)
        sums[order.instrument.symbol]["buying" if order.side > 0 else "selling"] += value
        sums[order.instrument.symbol]["risk"] += value
    return {symbol: Exposure(**parts) for symbol, parts in sums.items()}


_PARTS: Final = ("position", "buying", "selling", "risk")


def _unit(instrument: Instrument, at: Mapping[int, int]) -> int:
    """Return what one lot is worth at the mark."""
    return at.get(instrument.pk, 0) * tick_value(instrument)


def _money(bots: "QuerySet[Bot]") -> tuple[int, int]:
    """Return the equity of the accounts of bots, and the sum of its peaks."""
    sums = bots.aggregate(equity=Sum("equity", default=0), peak=Sum("peak", default=0))
    return sums["equity"], sums["peak"]


def record_of(positions: "QuerySet[BotPosition]") -> Record:
    """Return the closed trades: how many were won and lost, and how much."""
    net = F("realised") + F("funding") - F("fees")
    closed = positions.filter(state=PositionState.CLOSED.value, version__gt=1).annotate(net=net)
    won, lost = Q(net__gt=0), Q(net__lte=0)
    found = closed.aggregate(
        wins=Count("pk", filter=won),
        losses=Count("pk", filter=lost),
        gained=Sum("net", filter=won, default=0),
        lost=-Sum("net", filter=lost, default=0),
    )
    return Record(**found)


def _closes(instrument: Instrument) -> dict[datetime, int]:
    newest = Candle.objects.filter(instrument=instrument, timeframe=MINUTE_S)
    return dict(newest.order_by("-opened_at").values_list("opened_at", "close")[:MINUTES])
