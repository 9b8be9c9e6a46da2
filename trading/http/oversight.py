"""What bots did over HTTP: audit log, recoveries, risk and statistics."""

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema

from exchange.accounts.amounts import money
from exchange.http.tables import answer, documented, exact_json
from trading.acting import recover_now
from trading.configuring import global_limits
from trading.core.risk.rules import RULES
from trading.http import schemas
from trading.http.authentication import RoleView
from trading.http.bots import LARGEST_ID, READ, WRITE, configured, find_bot, version_record
from trading.http.lists import BOT, OBJECT, filtered, read, within
from trading.http.venues import KEY, at_venue, once_only
from trading.listings import AUDIT, RECOVERIES
from trading.models import AuditEntry, BotConfiguration, KillSwitch, Recovery
from trading.portfolios import exposures_of, portfolio_of_all
from trading.roles import Role, bots_of, role_of
from trading.statistics import statistics
from web.bodies import Body
from web.views import PAGED


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
        parameters=[KEY],
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

        def recovered() -> HttpResponse:
            report = at_venue(lambda: recover_now(bot, actor))
            return exact_json({**RECOVERIES.record(report), "findings": report.findings})

        return once_only(request, "recover", {"bot": bot.pk}, recovered, is_named=True)


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
        newest, found = BotConfiguration.objects.newest_of(None), exposures_of(bots)
        body = {
            "rules": list(RULES),
            "limits_of_all": newest.parameters if newest else {},
            "kill_switch": KillSwitch.objects.on().filter(bot=None).exists(),
            "bots": [{"bot": bot.name, **at_risk(found[bot.pk])} for bot in bots],
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
