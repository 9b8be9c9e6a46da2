"""What bots did, in numbers. The cost does not grow with their history."""

from typing import Any, Final

from django.db.models import Count, QuerySet, Sum

from exchange.accounts.amounts import money
from trading import journeys
from trading.core.orderstates import WORKING, OrderState
from trading.listings import ORDER_WORDS
from trading.models import Bot, BotOrder, BotPosition

NEWEST: Final = 10_000
"""Orders whose states are counted; working ones are counted whatever their age."""


def statistics(bots: "QuerySet[Bot]") -> dict[str, Any]:
    """Return what these bots did."""
    sums = bots.aggregate(
        realised=Sum("realised", default=0),
        fees=Sum("fees", default=0),
        funding=Sum("funding", default=0),
    )
    held = BotPosition.objects.live().filter(bot__in=bots).exclude(lots=0)
    machines = journeys.orders.statistics()
    return {
        "orders": _by_state(bots),
        "newest_orders": NEWEST,
        "positions": held.count(),
        **{name: money(value) for name, value in sums.items()},
        "machines": {"states": dict(machines.states), "refused": machines.refused},
    }


def _by_state(bots: "QuerySet[Bot]") -> dict[str, int]:
    mine = BotOrder.objects.filter(bot__in=bots)
    newest = mine.order_by("-pk").values("pk")[:NEWEST]
    ended = BotOrder.objects.filter(pk__in=newest).exclude(state__in=WORKING)
    counts = dict.fromkeys(ORDER_WORDS.values(), 0)
    for rows in (mine.working(), ended):
        for state, count in rows.order_by().values_list("state").annotate(Count("pk")):
            counts[ORDER_WORDS[OrderState(state)]] = count
    return counts
