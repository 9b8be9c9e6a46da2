"""What bots did over HTTP: orders, positions, audit log, recoveries; risk and statistics."""

from typing import Any, Final

from django.db.models import Count, QuerySet, Sum
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, NotFound

from exchange.accounts.listings import money
from exchange.accounts.loading import marks
from exchange.http.tables import answer, documented, exact_json
from market.integers import parse_integer
from market.quoting import quoted
from trading import journeys
from trading.acting import cancel, close, recover_now
from trading.brokers.opening import NoBrokerError
from trading.configuring import global_limits
from trading.core.orderstates import OrderState
from trading.core.risk.limits import Limits
from trading.core.risk.rules import RULES
from trading.http import schemas
from trading.http.authentication import RoleView
from trading.http.bots import LARGEST_ID, READ, WRITE, configured, find_bot, version_record
from trading.listings import (
    AUDIT,
    ORDER_WORDS,
    ORDERS,
    POSITION_WORDS,
    POSITIONS,
    RECOVERIES,
    average_fill,
    transition_record,
    unrealised,
)
from trading.models import AuditEntry, BotConfiguration, BotOrder, BotPosition, KillSwitch, Recovery
from trading.portfolios import portfolio_of, portfolio_of_all
from trading.roles import Role, bots_of, role_of
from venues.brokers import BrokerError
from web import formats
from web.bodies import Body
from web.parameters import Parameters
from web.views import PAGED
from web.views import read as checked_query

STATES: Final = {word: [state.value] for state, word in ORDER_WORDS.items()} | {
    "working": [state.value for state in OrderState if state <= OrderState.PARTIALLY_FILLED],
}
POSITION_STATES: Final = {word: state.value for state, word in POSITION_WORDS.items()}
SYMBOL: Final = OpenApiParameter("symbol", str, description="Only of this instrument.")
STRATEGY: Final = OpenApiParameter("strategy", str, description="Only of this strategy.")
BOT: Final = OpenApiParameter("bot", str, description="Only of the bot with this id.")
OBJECT: Final = {"type": "object"}


class VenueFailed(APIException):  # type: ignore[misc]
    """The venue of a bot did not do what was asked."""

    status_code = 503
    wait = 2


def read(request: Any, *names: str) -> Parameters:
    return checked_query(request, *names, *PAGED, formats=formats.TABLE_FORMATS)


def filtered(rows: "QuerySet[Any]", request: Any, **columns: str) -> "QuerySet[Any]":
    """Keep the rows of the texts in the query; `columns`: lookup by parameter."""
    for name, lookup in columns.items():
        if name in request.GET:
            rows = rows.filter(**{lookup: request.GET[name].replace("\0", "")})
    if "bot" in request.GET:
        rows = rows.filter(bot=find_bot(request.user, request.GET["bot"]))
    return rows


def within(rows: "QuerySet[Any]", asked: Parameters, column: str) -> "QuerySet[Any]":
    """Keep the rows of start <= time < end."""
    start, end = asked.span()
    if start is not None:
        rows = rows.filter(**{f"{column}__gte": start})
    return rows if end is None else rows.filter(**{f"{column}__lt": end})


class OrdersView(RoleView):
    @documented(
        "bot_orders_list",
        ORDERS,
        [
            BOT,
            SYMBOL,
            STRATEGY,
            OpenApiParameter("state", {"type": "string", "enum": list(STATES)}),
            *PAGED,
        ],
    )
    def get(self, request: Any) -> HttpResponseBase:
        """Orders of your bots, the newest first."""
        asked = read(request, "bot", "symbol", "strategy", "state")
        mine = BotOrder.objects.filter(bot__in=bots_of(request.user))
        rows = filtered(mine, request, symbol="instrument__symbol", strategy="strategy")
        if "state" in request.GET:
            rows = rows.filter(state__in=STATES[asked.choice("state", tuple(STATES), "")])
        rows = within(rows, asked, "created_at").select_related("bot", "instrument")
        return answer(request, ORDERS, rows, asked)


class OrderView(RoleView):
    @extend_schema(
        operation_id="bot_orders_read",
        tags=["bots"],
        responses={(200, "application/json"): OBJECT, **READ},
    )
    def get(self, request: Any, order_id: str) -> HttpResponse:
        """An order with its history, its fills and the profit of its position now."""
        return exact_json(order_detail(find_order(request.user, order_id)))

    @extend_schema(
        operation_id="bot_orders_cancel",
        tags=["bots"],
        responses={(200, "application/json"): OBJECT, **WRITE},
    )
    def delete(self, request: Any, order_id: str) -> HttpResponse:
        """Cancel an order; one that has ended is answered as it is."""
        order = find_order(request.user, order_id)
        if not order.life.is_final:
            at_venue(lambda: cancel(order))
        return exact_json(order_detail(find_order(request.user, order_id)))


def find_order(user: Any, order_id: str) -> BotOrder:
    """Return an order of a user's bots; raise NotFound for those of others as for none."""
    mine = BotOrder.objects.filter(bot__in=bots_of(user))
    try:
        return mine.select_related("bot__account", "instrument", "position").get(
            pk=parse_integer(order_id, 1, LARGEST_ID)
        )
    except (ValueError, BotOrder.DoesNotExist):
        raise NotFound(f"your bots have no order {quoted(order_id)}") from None


def order_detail(order: BotOrder) -> dict[str, Any]:
    history = order.transitions.order_by("version").select_related("order__instrument")
    found: dict[str, Any] = {
        **ORDERS.record(order),
        "average_price": average_fill(order),
        "context": order.context,
        "history": [transition_record(row) for row in history],
        "position": None,
    }
    position = order.position
    if position is not None:
        position.instrument, position.bot = order.instrument, order.bot
        profit = unrealised(position, marks([position.instrument_id]))
        found["position"] = {**POSITIONS.record(position), "unrealised": profit}
    return found


def at_venue(act: Any) -> Any:
    """Act at the venue of a bot; raise VenueFailed."""
    try:
        return act()
    except (BrokerError, NoBrokerError) as error:
        raise VenueFailed(str(error)) from error


class PositionsView(RoleView):
    @documented(
        "bot_positions_list",
        POSITIONS,
        [
            BOT,
            SYMBOL,
            OpenApiParameter("state", {"type": "string", "enum": list(POSITION_STATES)}),
            *PAGED,
        ],
    )
    def get(self, request: Any) -> HttpResponseBase:
        """Positions of your bots, the newest first."""
        asked = read(request, "bot", "symbol", "state")
        mine = BotPosition.objects.filter(bot__in=bots_of(request.user))
        rows = filtered(mine, request, symbol="instrument__symbol")
        if "state" in request.GET:
            state = asked.choice("state", tuple(POSITION_STATES), "")
            rows = rows.filter(state=POSITION_STATES[state])
        rows = within(rows, asked, "opened_at").select_related("bot", "instrument")
        return answer(request, POSITIONS, rows, asked)


class ClosePositionView(RoleView):
    @extend_schema(
        operation_id="bot_positions_close",
        tags=["bots"],
        request={"application/json": schemas.EMPTY},
        responses={(200, "application/json"): OBJECT, **WRITE},
    )
    def post(self, request: Any, position_id: str) -> HttpResponse:
        """Close a position at the market; one without lots is answered as it is."""
        position = find_position(request.user, position_id)
        Body(request.data, ()).check()
        if position.lots:
            at_venue(lambda: close(position))
        return exact_json(POSITIONS.record(find_position(request.user, position_id)))


def find_position(user: Any, position_id: str) -> BotPosition:
    """Return a position of a user's bots; raise NotFound for those of others as for none."""
    mine = BotPosition.objects.filter(bot__in=bots_of(user))
    try:
        return mine.select_related("bot__account", "instrument").get(
            pk=parse_integer(position_id, 1, LARGEST_ID)
        )
    except (ValueError, BotPosition.DoesNotExist):
        raise NotFound(f"your bots have no position {quoted(position_id)}") from None


class AuditView(RoleView):
    @documented(
        "bot_audit_list",
        AUDIT,
        [BOT, OpenApiParameter("action", str), OpenApiParameter("trace_id", str), *PAGED],
    )
    def get(self, request: Any) -> HttpResponseBase:
        """The audit log, the newest first: for admins all of it, otherwise that of your bots."""
        asked = read(request, "bot", "action", "trace_id")
        rows = AuditEntry.objects.all()
        if role_of(request.user) is not Role.ADMIN:
            rows = rows.filter(bot__in=bots_of(request.user).values("pk"))
        if "bot" in request.GET:
            rows = rows.filter(bot=find_bot(request.user, request.GET["bot"]).pk)
        for name in ("action", "trace_id"):
            if name in request.GET:
                rows = rows.filter(**{name: request.GET[name].replace("\0", "")})
        return answer(request, AUDIT, within(rows, asked, "at"), asked)


class RecoveriesView(RoleView):
    @documented("recoveries_list", RECOVERIES, [BOT, *PAGED])
    def get(self, request: Any) -> HttpResponseBase:
        """Reports of recovery of your bots, the newest first."""
        asked = read(request, "bot")
        rows = filtered(Recovery.objects.filter(bot__in=bots_of(request.user)), request)
        rows = within(rows, asked, "began_at").select_related("bot")
        return answer(request, RECOVERIES, rows, asked)

    @extend_schema(
        operation_id="recoveries_start",
        tags=["bots"],
        request={
            "application/json": {
                "type": "object",
                "required": ["bot"],
                "additionalProperties": False,
                "properties": {"bot": {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}},
            }
        },
        responses={(200, "application/json"): OBJECT, **WRITE},
    )
    def post(self, request: Any) -> HttpResponse:
        """Compare a bot with its venue now, repair what can be repaired, and report the rest."""
        body = Body(request.data, ("bot",))
        key = body.whole("bot", 1, LARGEST_ID)
        body.check()
        bot, actor = find_bot(request.user, str(key)), request.user.get_username()
        report = at_venue(lambda: recover_now(bot, actor))
        return exact_json({**RECOVERIES.record(report), "findings": report.findings})


class RiskView(RoleView):
    writes_need = Role.ADMIN

    @extend_schema(
        operation_id="risk_read",
        tags=["bots"],
        responses={(200, "application/json"): OBJECT, **READ},
    )
    def get(self, request: Any) -> HttpResponse:
        """What your bots have at risk, the rules, and the limits of all bots together."""
        bots = list(bots_of(request.user))
        newest = BotConfiguration.objects.newest_of(None)
        body = {
            "rules": list(RULES),
            "limits_of_all": newest.parameters if newest else {},
            "kill_switch": KillSwitch.objects.on().filter(bot=None).exists(),
            "bots": [{"bot": bot.name, **at_risk(portfolio_of(bot, Limits()))} for bot in bots],
        }
        if role_of(request.user) is Role.ADMIN:
            body["all"] = at_risk(portfolio_of_all(global_limits()))
        return exact_json(body)

    @extend_schema(
        operation_id="risk_limit",
        tags=["bots"],
        request={"application/json": OBJECT},
        responses={(200, "application/json"): schemas.VERSION, **WRITE},
    )
    def put(self, request: Any) -> HttpResponse:
        """Set the limits of all bots together; those that are missing do not limit."""
        return exact_json(version_record(configured(None, request)))


def at_risk(portfolio: Any) -> dict[str, Any]:
    """Return a portfolio as JSON."""
    return {
        "equity": money(portfolio.equity),
        "peak": money(portfolio.peak),
        "drawdown": portfolio.drawdown_ppm / 1e6,
        "kill_switch": portfolio.is_killed,
        "exposures": {
            symbol: {
                "position": money(each.position),
                "buying": money(each.buying),
                "selling": money(each.selling),
            }
            for symbol, each in portfolio.exposures.items()
        },
    }


class StatisticsView(RoleView):
    @extend_schema(
        operation_id="bot_statistics",
        tags=["bots"],
        responses={(200, "application/json"): OBJECT, **READ},
    )
    def get(self, request: Any) -> HttpResponse:
        """Orders by state, results, and the live machines of this process."""
        return exact_json(statistics(bots_of(request.user)))


def statistics(bots: "QuerySet[Any]") -> dict[str, Any]:
    """Return what these bots did, in numbers."""
    counts = BotOrder.objects.filter(bot__in=bots).values_list("state").annotate(Count("pk"))
    orders = dict.fromkeys(ORDER_WORDS.values(), 0) | {
        ORDER_WORDS[OrderState(state)]: count for state, count in counts.order_by("state")
    }
    held = BotPosition.objects.filter(bot__in=bots)
    sums = held.aggregate(realised=Sum("realised", default=0), fees=Sum("fees", default=0))
    machines = journeys.orders.statistics()
    return {
        "orders": orders,
        "positions": held.live().exclude(lots=0).count(),
        "realised": money(sums["realised"]),
        "fees": money(sums["fees"]),
        "machines": {"states": dict(machines.states), "refused": machines.refused},
    }
